/**
 * Where the candidates run: a temporary directory with certificates, and two network namespaces (client and server)
 * joined by a veth. Everything made here, and every process started here, is gone after `close`.
 */
import { makeCertificates } from "./certificates.ts";
import { run } from "./programs.ts";

export const CLIENT_IP = "10.99.0.1";
export const SERVER_IP = "10.99.0.2";
export type Side = "client" | "server";

const decoder = new TextDecoder();

/** One benchmark's directory, namespaces and processes. */
export class Environment {
  readonly directory = Deno.makeTempDirSync({ prefix: "peers-" });
  readonly #namespaces = { client: `bench-client-${Deno.pid}`, server: `bench-server-${Deno.pid}` };
  readonly #children: Deno.ChildProcess[] = [];
  #closed = false;

  /** Makes the certificates and the namespaces; after a failure `close` still removes what was made. */
  open(): void {
    Deno.chmodSync(this.directory, 0o755);
    makeCertificates(this.directory);
    const { client, server } = this.#namespaces, suffix = Deno.pid.toString(36);
    run("ip", "netns", "add", client);
    run("ip", "netns", "add", server);
    const links = { client: `vc${suffix}`, server: `vs${suffix}` };
    run(
      "ip",
      "link",
      "add",
      links.client,
      "netns",
      client,
      "type",
      "veth",
      "peer",
      "name",
      links.server,
      "netns",
      server,
    );
    for (const [side, ip] of [["client", CLIENT_IP], ["server", SERVER_IP]] as const) {
      const at = ["-n", this.#namespaces[side]];
      run("ip", ...at, "addr", "add", `${ip}/24`, "dev", links[side]);
      run("ip", ...at, "link", "set", "lo", "up");
      run("ip", ...at, "link", "set", links[side], "up");
      // A thousand connections at once must not be lost at the application's door.
      const [name, size] = ["/proc/sys/net/core/somaxconn", "16384"];
      run("ip", "netns", "exec", this.#namespaces[side], "sh", "-c", 'echo "$0" > "$1"', size, name);
    }
  }

  /** Writes a file of the directory. @returns its path */
  write(name: string, text: string): string {
    const path = `${this.directory}/${name}`;
    Deno.writeTextFileSync(path, text);
    return path;
  }

  /** Starts a long-running process in a namespace; its output goes to a file. @returns its process id */
  start(side: Side, name: string, ...argv: string[]): number {
    const log = `${this.directory}/${name}.log`;
    const line = `exec ip netns exec ${this.#namespaces[side]} "$@" >"$0" 2>&1`;
    const child = new Deno.Command("sh", { args: ["-c", line, log, ...argv], stdin: "null" }).spawn();
    this.#children.push(child);
    return child.pid;
  }

  /** Starts a command in a namespace whose input and output the caller keeps. */
  spawn(side: Side, ...argv: string[]): Deno.ChildProcess {
    const args = ["netns", "exec", this.#namespaces[side], ...argv];
    const child = new Deno.Command("ip", { args, stdin: "piped", stdout: "piped", stderr: "null" }).spawn();
    this.#children.push(child);
    return child;
  }

  /** Runs a command in a namespace to its end. @returns what it printed */
  async output(side: Side, ...argv: string[]): Promise<string> {
    const args = ["netns", "exec", this.#namespaces[side], ...argv];
    const result = await new Deno.Command("ip", { args, stdout: "piped", stderr: "piped" }).output();
    if (!result.success) throw new Error(`${argv.join(" ")}: ${decoder.decode(result.stderr).trim()}`);
    return decoder.decode(result.stdout);
  }

  /** Resolves when a process listens on a TCP port of a namespace. @throws with its log when none does in 20 s */
  async listening(side: Side, port: number, name: string): Promise<void> {
    for (const deadline = Date.now() + 20_000; Date.now() < deadline;) {
      if ((await this.output(side, "ss", "-Hltn", `sport = :${port}`)).trim() !== "") return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const log = Deno.readTextFileSync(`${this.directory}/${name}.log`);
    throw new Error(`${name} does not listen on ${port}: ${log.trim().slice(-800)}`);
  }

  /** Ends every process and removes the namespaces and the directory. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const child of this.#children.toReversed()) {
      try {
        child.kill("SIGTERM");
      } catch { /* it has ended already */ }
    }
    for (const name of Object.values(this.#namespaces)) {
      new Deno.Command("sh", {
        args: ["-c", 'ip netns pids "$0" | xargs -r kill -KILL; ip netns delete "$0"', name],
        stderr: "null",
      }).outputSync();
    }
    Deno.removeSync(this.directory, { recursive: true });
  }
}
