/** Places the nodes of a directed graph in ranks from left to right (dagre), and remembers the last few layouts. */
import { type Box, flow, placeLabel, type Point, round, touches } from "./curve.ts";

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

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Top left corners, by key. */
  readonly nodes: ReadonlyMap<string, Box>;
  readonly edges: ReadonlyMap<string, { path: string; labelX: number; labelY: number }>;
  readonly groups: readonly (Box & { name: string })[];
}

const NODE_HEIGHT = 42;
/** Above a group, for its name. */
const TITLE_ROOM = 6;
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
  graph.setGraph({ rankdir: "LR", nodesep: 22, edgesep: 14, ranksep: 40, marginx: 8, marginy: 8 });
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
  const places = new Map(nodes.map((node) => [node.key, box(node.key)]));
  const labels: Box[] = [];
  return {
    width: Math.ceil(width),
    height: Math.ceil(height),
    nodes: places,
    edges: new Map(edges.map((edge) => {
      const { points, x, y } = graph.edge(edge.from, edge.to) as { points: Point[]; x: number; y: number };
      const [from, to] = [places.get(edge.from)!, places.get(edge.to)!];
      const others = [...places.values()].filter((one) => one !== from && one !== to);
      const isForward = from.x < to.x;
      const start = { x: isForward ? from.x + from.width : from.x, y: from.y + from.height / 2 };
      const end = { x: isForward ? to.x : to.x + to.width, y: to.y + to.height / 2 };
      // The plainest curve that crosses no other box: dagre's way around them has more bends than most edges need.
      const ways = [[start, end], [start, { x, y }, end], [start, ...points.slice(1, -1), end]];
      const curve = ways.map(flow).find((one) => !touches(one.samples, others)) ?? flow(ways.at(-1)!);
      const label = placeLabel(curve.samples, labels);
      labels.push(label);
      const [labelX, labelY] = [round(label.x + label.width / 2), round(label.y + label.height / 2)];
      return [edge.key, { path: curve.path, labelX, labelY }];
    })),
    groups: [...groups].map((name) => {
      const { y, height, ...rest } = box(`group ${name}`);
      return { name, ...rest, y: y - TITLE_ROOM, height: height + TITLE_ROOM };
    }),
  };
}
