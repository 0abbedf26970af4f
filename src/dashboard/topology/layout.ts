/** Places the nodes of a directed graph in ranks from left to right (dagre), and remembers the last few layouts. */

export interface LayoutNode {
  readonly key: string;
  readonly label: string;
  /** Nodes of the same group are kept together; empty for none. */
  readonly group: string;
}

export interface LayoutEdge {
  readonly key: string;
  readonly from: string;
  readonly to: string;
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Top left corners, by key. */
  readonly nodes: ReadonlyMap<string, Box>;
  readonly edges: ReadonlyMap<string, { path: string; labelX: number; labelY: number }>;
  readonly groups: readonly (Box & { name: string })[];
}

const NODE_HEIGHT = 42;
const GROUP_TITLE = 18;
const MAX_REMEMBERED = 16;
const remembered = new Map<string, Promise<Layout>>();

/** The same structure gives the same layout, computed once. */
export function layOut(nodes: readonly LayoutNode[], edges: readonly LayoutEdge[]): Promise<Layout> {
  const sorted = [...nodes].sort((left, right) => left.key < right.key ? -1 : 1);
  const sortedEdges = [...edges].sort((left, right) => left.key < right.key ? -1 : 1);
  const structure = JSON.stringify([sorted, sortedEdges.map((edge) => edge.key)]);
  let layout = remembered.get(structure);
  if (layout === undefined) {
    layout = compute(sorted, sortedEdges);
    if (remembered.size >= MAX_REMEMBERED) remembered.delete(remembered.keys().next().value!);
    remembered.set(structure, layout);
  }
  return layout;
}

function widthOf(label: string): number {
  return Math.min(230, Math.max(96, 46 + label.length * 7.2));
}

async function compute(nodes: readonly LayoutNode[], edges: readonly LayoutEdge[]): Promise<Layout> {
  if (nodes.length === 0) return { width: 0, height: 0, nodes: new Map(), edges: new Map(), groups: [] };
  const { default: dagre } = await import("@dagrejs/dagre"); // 20 ms that only a page with a graph pays
  const graph = new dagre.graphlib.Graph({ compound: true, multigraph: false });
  graph.setGraph({ rankdir: "LR", nodesep: 16, edgesep: 12, ranksep: 42, marginx: 8, marginy: 8 });
  const groups = new Set(nodes.map((node) => node.group).filter((group) => group !== ""));
  for (const group of groups) graph.setNode(`group ${group}`, {});
  for (const node of nodes) {
    graph.setNode(node.key, { width: widthOf(node.label), height: NODE_HEIGHT });
    if (node.group !== "") graph.setParent(node.key, `group ${node.group}`);
  }
  for (const edge of edges) graph.setEdge(edge.from, edge.to, { width: 56, height: 16, labelpos: "c" });
  dagre.layout(graph);
  const box = (key: string): Box => {
    const { x, y, width, height } = graph.node(key) as Box;
    return { x: round(x - width / 2), y: round(y - height / 2), width: round(width), height: round(height) };
  };
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const top = groups.size > 0 ? GROUP_TITLE : 0;
  const lower = (one: Box): Box => ({ ...one, y: one.y + top });
  return {
    width: Math.ceil(width),
    height: Math.ceil(height) + top,
    nodes: new Map(nodes.map((node) => [node.key, lower(box(node.key))])),
    edges: new Map(edges.map((edge) => {
      const { points, x, y } = graph.edge(edge.from, edge.to) as { points: Point[]; x: number; y: number };
      const moved = points.map((point) => ({ x: point.x, y: point.y + top }));
      return [edge.key, { path: smooth(moved), labelX: round(x), labelY: round(y + top) }];
    })),
    groups: [...groups].map((name) => {
      const { x, y, width, height } = lower(box(`group ${name}`));
      return { name, x, y: y - GROUP_TITLE, width, height: height + GROUP_TITLE };
    }),
  };
}

interface Point {
  readonly x: number;
  readonly y: number;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** A curve through the middles between dagre's points, which begins and ends level. */
function smooth(points: readonly Point[]): string {
  const at = ({ x, y }: Point) => `${round(x)},${round(y)}`;
  const first = points[0]!;
  const last = points.at(-1)!;
  if (points.length < 3) return `M${at(first)}L${at(last)}`;
  let path = `M${at(first)}`;
  for (let index = 1; index < points.length - 1; index++) {
    const point = points[index]!;
    const next = points[index + 1]!;
    const end = index === points.length - 2 ? last : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    path += `Q${at(point)} ${at(end)}`;
  }
  return path;
}
