/** Programs that the benchmark runs, and how they are installed when missing. */

const decoder = new TextDecoder();

/** Runs a command to its end. @returns what it printed @throws when it fails */
export function run(command: string, ...args: string[]): string {
  const result = new Deno.Command(command, { args, stdout: "piped", stderr: "piped" }).outputSync();
  const output = decoder.decode(result.stdout) + decoder.decode(result.stderr);
  if (!result.success) throw new Error(`${command} ${args.join(" ")}: ${output.trim()}`);
  return output;
}

/** Whether a program of this name answers on the PATH. */
export function has(program: string): boolean {
  return new Deno.Command("sh", { args: ["-c", `command -v ${program}`], stdout: "null" }).outputSync()
    .success;
}

/** Installs what is missing of the programs the benchmark drives, with Debian's package manager. */
export function installMissing(): void {
  const packages = {
    haproxy: "haproxy",
    nginx: "nginx-light",
    wrk: "wrk",
    h2load: "nghttp2-client",
    openssl: "openssl",
    ip: "iproute2",
  };
  const missing = Object.entries(packages).filter(([program]) => !has(program)).map(([, name]) => name);
  if (missing.length === 0) return;
  console.log(`installing ${missing.join(", ")}`);
  run("apt-get", "update", "-q");
  run("apt-get", "install", "-qy", "--no-install-recommends", ...missing);
}

/** fortio, the generator whose open loop is even; built by Go into `directory`. @returns its path, or undefined */
export function fortio(directory: string): string | undefined {
  if (has("fortio")) return "fortio";
  if (!has("go")) return undefined;
  try {
    console.log("installing fortio with Go");
    Deno.mkdirSync(directory, { recursive: true });
    if (!has(`${directory}/fortio`)) {
      run("timeout", "300", "env", `GOBIN=${directory}`, "go", "install", "fortio.org/fortio@v1.57.3");
    }
    return `${directory}/fortio`;
  } catch (error) {
    console.log(`fortio could not be installed: ${(error as Error).message.slice(0, 200)}`);
    return undefined;
  }
}
