/** Who talks to whom, as an SVG whose places the server has computed. */
import type { Topology, TopologyEdge, TopologyNode } from "../topology/topology.ts";
import { HEALTH_TITLES } from "../model/health.ts";
import { resourcePath, withWindow } from "../model/resource.ts";
import { bytesText, latencyText, rateText, rpsText } from "./figures.tsx";

const SECURITY = {
  mtls: "mutual TLS",
  mixed: "only part of it under mutual TLS",
  plain: "without mutual TLS",
} as const;

/** The edge in words: for who points at it and who cannot see it. */
export function edgeText({ source, destination, requests, tcp, security }: TopologyEdge): string {
  const traffic = requests.successRate !== undefined
    ? `${rpsText(requests.rps)} requests per second, ${rateText(requests.successRate)} successful` +
      (requests.latencyP99 === undefined ? "" : `, p99 ${latencyText(requests.latencyP99)}`)
    : `${tcp.openConnections} open TCP connections, ${bytesText(tcp.readBytesPerSecond)} read, ` +
      `${bytesText(tcp.writeBytesPerSecond)} written`;
  return `${source.name} to ${destination.name}: ${traffic}, ${SECURITY[security]}`;
}

function edgeFigure({ requests, tcp }: TopologyEdge): string {
  if (requests.successRate === undefined) return `${tcp.openConnections} TCP`;
  return requests.successRate < 0.99 ? rateText(requests.successRate) : `${rpsText(requests.rps)}/s`;
}

/** From 1.2 to 3.6 pixels, by the logarithm of the rate. */
function widthOf({ requests }: TopologyEdge): number {
  return Math.round((1.2 + Math.min(2.4, Math.log10(1 + requests.rps) * 0.8)) * 10) / 10;
}

/** What a node does, in a few words. */
function nodeFigure({ resource, rps, sentRps, openConnections, isMeshed }: TopologyNode): string {
  if (!isMeshed) return "not meshed";
  if (rps !== undefined) return `${rpsText(rps)}/s`;
  if (openConnections > 0) return `${openConnections} TCP`;
  if (sentRps > 0) return `sends ${rpsText(sentRps)}/s`;
  return resource.kind === "namespace" ? "namespace" : "no requests";
}

function nodeText(node: TopologyNode): string {
  const { resource, health } = node;
  const where = resource.namespace === "" ? "" : ` in ${resource.namespace}`;
  return `${resource.name}${where}: ${health === "idle" ? "" : `${HEALTH_TITLES[health]}, `}${
    nodeFigure(node)
  }`;
}

export function TopologyMap({ topology, window }: { topology: Topology; window: string }) {
  const { width, height, nodes, edges, groups, reduction } = topology;
  return (
    <>
      <div class="scroll map" role="region" aria-label="Topology" tabIndex={0}>
        <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="group">
          <defs>
            {["good", "warn", "bad", "idle"].map((health) => (
              <marker
                key={health}
                id={`arrow-${health}`}
                class={`arrow ${health}`}
                viewBox="0 0 8 8"
                refX="7.5"
                refY="4"
                markerWidth="8"
                markerHeight="8"
                markerUnits="userSpaceOnUse"
                orient="auto"
              >
                <path d="M0 .8 8 4 0 7.2Z" />
              </marker>
            ))}
          </defs>
          {groups.map((group) => (
            <g key={group.name} class="group">
              <rect x={group.x} y={group.y} width={group.width} height={group.height} rx="8" />
              <text x={group.x + 10} y={group.y + 15}>{group.name}</text>
            </g>
          ))}
          {edges.map((edge) => (
            <g
              key={edge.key}
              class={`edge ${edge.health} ${edge.security}`}
              role="img"
              aria-label={edgeText(edge)}
            >
              <title>{edgeText(edge)}</title>
              <path class="touch" d={edge.path} />
              <path
                class="line"
                d={edge.path}
                stroke-width={widthOf(edge)}
                marker-end={`url(#arrow-${edge.health})`}
              />
            </g>
          ))}
          {edges.map((edge) => (
            <text
              key={`figure ${edge.key}`}
              class={`figure ${edge.health}`}
              x={edge.labelX}
              y={edge.labelY + 3.5}
              aria-hidden="true"
            >
              {edgeFigure(edge)}
            </text>
          ))}
          {nodes.map((node) => <MapNode key={node.key} node={node} window={window} />)}
        </svg>
      </div>
      <div class="legend">
        <span class="key good">success ≥ 99%</span>
        <span class="key warn">≥ 95%</span>
        <span class="key bad">below</span>
        <span class="key idle">TCP, or no requests</span>
        <span class="key plain">not mutual TLS</span>
        {reduction !== undefined && <span>{reduction}</span>}
      </div>
    </>
  );
}

function MapNode({ node, window }: { node: TopologyNode; window: string }) {
  const { x, y, width, height, resource, health, isMeshed } = node;
  const longest = Math.floor((width - 30) / 7);
  const label = node.label.length > longest ? `${node.label.slice(0, longest - 1)}…` : node.label;
  return (
    <a href={withWindow(resourcePath(resource), window)}>
      <g class={`node ${isMeshed ? health : "unmeshed"}`}>
        <title>{nodeText(node)}</title>
        <rect x={x} y={y} width={width} height={height} rx="6" />
        <circle cx={x + 14} cy={y + height / 2 - 7} r="4" />
        <text x={x + 25} y={y + height / 2 - 3}>{label}</text>
        <text class="second" x={x + 25} y={y + height / 2 + 12}>{nodeFigure(node)}</text>
      </g>
    </a>
  );
}
