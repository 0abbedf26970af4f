/** Certificates of the pair: one authority, a client and a server, made with the openssl program. */
import { run } from "./programs.ts";

export const CLIENT_NAME = "client.bench.serviceaccount.identity.linkerd.cluster.local";
export const SERVER_NAME = "server.bench.serviceaccount.identity.linkerd.cluster.local";

/** Writes ca.crt, and .crt, .key and .pem (both) of client and server, to a directory. */
export function makeCertificates(directory: string): void {
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const path = (name: string) => `${directory}/${name}`;
  const openssl = (line: string, ...rest: string[]) => run("openssl", ...line.split(" "), ...rest);
  const authority = ["-keyout", path("ca.key"), "-out", path("ca.crt")];
  openssl("req -x509 -days 2 -subj /CN=identity.linkerd.cluster.local", ...curve, ...authority);
  for (const [side, name] of [["client", CLIENT_NAME], ["server", SERVER_NAME]] as const) {
    const request = path(`${side}.csr`), key = path(`${side}.key`), leaf = path(`${side}.crt`);
    const issuer = ["-CA", path("ca.crt"), "-CAkey", path("ca.key"), "-CAcreateserial"];
    openssl(`req -subj / -addext subjectAltName=DNS:${name}`, ...curve, "-keyout", key, "-out", request);
    openssl("x509 -req -days 2 -copy_extensions copy", ...issuer, "-in", request, "-out", leaf);
    Deno.writeTextFileSync(path(`${side}.pem`), Deno.readTextFileSync(leaf) + Deno.readTextFileSync(key), {
      mode: 0o600,
    });
  }
}
