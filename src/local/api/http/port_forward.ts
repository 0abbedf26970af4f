/**
 * pods/NAME/portforward?ports=N: a TCP connection to a pod in a WebSocket, in the subprotocol v4.channel.k8s.io (see
 * src/kube/port_forward.ts). kubectl speaks another one here (SPDY in a WebSocket), which is not served.
 */
import { KubeError } from "../../../kube/client.ts";
import type { Pod } from "../../../kube/kinds.ts";
import { PORT_FORWARD_PROTOCOL } from "../../../kube/port_forward.ts";
import type { Api } from "../api.ts";
import { badRequest } from "../errors.ts";
import type { ResourceRequest } from "./request_info.ts";

const DATA = 0, ERROR = 1;

/** What each channel begins with: the port, as 16 bits, the lower first. */
function opening(channel: number, port: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(channel, port & 0xff, port >> 8);
}

async function join(socket: WebSocket, hostname: string, port: number): Promise<void> {
  const connecting = Deno.connect({ hostname, port });
  let writing: Promise<unknown> = connecting; // what comes before the connection stands waits for it
  socket.onmessage = ({ data }) => {
    const bytes = new Uint8Array(data as ArrayBuffer);
    if (bytes[0] !== DATA) return;
    writing = writing.then(async () => {
      const connection = await connecting;
      for (let at = 1; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    }).catch(() => socket.close()); // the pod has ended: so does this
  };
  socket.onclose = () => {
    writing.then(async () => (await connecting).closeWrite()).catch(() => {/* it has ended already */});
  };
  for (const channel of [DATA, ERROR]) socket.send(opening(channel, port));
  let connection: Deno.TcpConn;
  try {
    connection = await connecting;
  } catch (error) {
    const reason = `cannot connect to port ${port} of the pod: ${(error as Error).message}`;
    socket.send(Uint8Array.of(ERROR, ...new TextEncoder().encode(reason)));
    return socket.close();
  }
  const buffer = new Uint8Array(32 * 1024 + 1);
  for (;;) {
    const size = await connection.read(buffer.subarray(1)).catch(() => null); // a reset ends it as an end does
    if (size === null || socket.readyState !== WebSocket.OPEN) break;
    socket.send(buffer.slice(0, size + 1)); // byte 0 is DATA
  }
  connection.close();
  socket.close();
}

export function forwardPort(api: Api, info: ResourceRequest, request: Request): Response {
  const port = Number(new URL(request.url).searchParams.get("ports"));
  if (!(Number.isInteger(port) && port > 0 && port < 65536)) throw badRequest("ports must name one port");
  const pod = api.pod(info.namespace, info.name!) as unknown as Pod, address = pod.status?.podIP;
  if (!address) throw new KubeError(503, "ServiceUnavailable", `pod ${info.name} has no address yet`);
  const protocols = (request.headers.get("sec-websocket-protocol") ?? "").split(",").map((one) => one.trim());
  if (
    request.headers.get("upgrade")?.toLowerCase() !== "websocket" ||
    !protocols.includes(PORT_FORWARD_PROTOCOL)
  ) {
    throw badRequest(
      `ports are forwarded over WebSockets, subprotocol ${PORT_FORWARD_PROTOCOL}: use linkerd`,
    );
  }
  const { socket, response } = Deno.upgradeWebSocket(request, { protocol: PORT_FORWARD_PROTOCOL });
  socket.binaryType = "arraybuffer";
  socket.onopen = () => void join(socket, address, port);
  return response;
}
