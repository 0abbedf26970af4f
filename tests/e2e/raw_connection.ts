/** Bytes to a pod's port as anybody in the cluster could send them: through the node, past no proxy of the sender's. */
import net from "node:net";
import tls from "node:tls";
import type { Cluster } from "../../src/local/cluster/cluster.ts";

/** A connection to a service's endpoint. */
export function connectRaw(
  { directory }: Cluster,
  namespace: string,
  service: string,
  port: number,
): Promise<net.Socket> {
  return new Promise((done, failed) => {
    const socket = net.connect({ path: `${directory}/relay.sock` }, () => {
      socket.write(`${namespace} ${service} ${port}\n`);
      done(socket);
    });
    socket.once("error", failed);
  });
}

/** Sends text and reads until the end. @returns what was answered */
export async function exchange(socket: net.Socket, text: string): Promise<string> {
  let answer = "";
  socket.setEncoding("latin1");
  socket.on("data", (data) => answer += data);
  const ended = new Promise<void>((done) => {
    socket.once("close", () => done());
    socket.once("end", () => done());
    socket.on("error", () => done()); // a reset is an end too, and what came before it counts
  });
  socket.write(text, "latin1");
  await ended;
  socket.destroy();
  return answer;
}

/** A TLS handshake on a connection, with a certificate. @returns how it ended: an answer, an alert or nothing */
export function handshake(
  socket: net.Socket,
  options: { readonly servername: string; readonly cert: string; readonly key: string },
): Promise<string> {
  return new Promise((done) => {
    const secured = tls.connect({ socket, ...options, rejectUnauthorized: false }, () => {
      // The server says no only after the client believes that it is done.
      secured.write("GET /stranger HTTP/1.1\r\nhost: web\r\n\r\n");
    });
    secured.on("data", (data) => {
      done(String(data));
      secured.destroy();
    });
    secured.on("error", (error) => done(`error ${error.message}`));
    secured.on("close", () => done("closed"));
  });
}
