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
    openssl: "openssl",
    ip: "iproute2",
  };
  const missing = Object.entries(packages).filter(([program]) => !has(program)).map(([, name]) => name);
  if (missing.length === 0) return;
  console.log(`installing ${missing.join(", ")}`);
  run("apt-get", "update", "-q");
  run("apt-get", "install", "-qy", "--no-install-recommends", ...missing);
}
