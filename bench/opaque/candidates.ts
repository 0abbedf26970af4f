/** Proxies of opaque TCP: ours and HAProxy, as one plaintext hop and as a pair with mutual TLS; one thread each. */
import { bundleOurs, type Candidate, start } from "../peers/candidate.ts";
import { type Environment, SERVER_IP } from "../peers/environment.ts";
import { acceptTls, connectTls, haproxy, launch } from "../peers/haproxy.ts";

export const FILES_PORT = 9000;
/** What is fetched: large enough that a connection's first round trips do not count. */
export const FILE_MIB = 64;

/** The application: one file, sent by the kernel from memory. */
export function nginxFiles(directory: string): string {
  return `worker_processes 1; daemon off; pid ${directory}/nginx.pid; error_log /dev/null;
events { worker_connections 8192; }
http { access_log off; sendfile on; sendfile_max_chunk 1m; keepalive_requests 100000000; keepalive_timeout 3600;
server { listen ${FILES_PORT}; root ${directory}/files; } }
`;
}

async function haproxies(environment: Environment): Promise<Candidate[]> {
  const { directory } = environment, application = `127.0.0.1:${FILES_PORT}`;
  const plainText = haproxy("4340", `${SERVER_IP}:${FILES_PORT}`, "tcp");
  const plain = await launch(environment, "client", "haproxy-plain", 4340, plainText);
  const inboundText = haproxy(`4343 ${acceptTls(directory)}`, application, "tcp");
  const inbound = await launch(environment, "server", "haproxy-in", 4343, inboundText);
  const outboundText = haproxy("4350", `${SERVER_IP}:4343 ${connectTls(directory)}`, "tcp");
  const outbound = await launch(environment, "client", "haproxy-out", 4350, outboundText);
  return [
    { name: "HAProxy, plain, splice-auto", figure: "plain", isOurs: false, port: 4340, pids: [plain] },
    { name: "HAProxy, TLS pair", figure: "pair", isOurs: false, port: 4350, pids: [outbound, inbound] },
  ];
}

async function ours(environment: Environment): Promise<Candidate[]> {
  const { directory } = environment;
  const command = ["env", `BENCH_OPAQUE=${FILES_PORT}`, ...bundleOurs(directory)];
  const argv = (...rest: string[]) => [...command, ...rest, directory];
  const app = `${SERVER_IP}:${FILES_PORT}`, peer = [`${SERVER_IP}:4143`, String(FILES_PORT)];
  const plain = await start(environment, "client", "ours-plain", 4145, argv("plain", "0.0.0.0:4145", app));
  const inbound = await start(environment, "server", "ours-in", 4143, argv("inbound", "0.0.0.0:4143"));
  const outbound = await start(
    environment,
    "client",
    "ours-out",
    4140,
    argv("outbound", "0.0.0.0:4140", ...peer),
  );
  return [
    { name: "ours, plain", figure: "plain", isOurs: true, port: 4145, pids: [plain] },
    { name: "ours, mTLS pair", figure: "pair", isOurs: true, port: 4140, pids: [outbound, inbound] },
  ];
}

/** Starts the application and the proxies. */
export async function startOpaque(environment: Environment): Promise<Candidate[]> {
  const { directory } = environment;
  Deno.mkdirSync(`${directory}/files`);
  Deno.writeFileSync(`${directory}/files/file`, new Uint8Array(FILE_MIB << 20).fill(120));
  Deno.writeFileSync(`${directory}/files/small`, new Uint8Array(100).fill(120));
  const configuration = environment.write("nginx.conf", nginxFiles(directory));
  await start(environment, "server", "nginx", FILES_PORT, ["nginx", "-c", configuration]);
  return [...await ours(environment), ...await haproxies(environment)];
}
