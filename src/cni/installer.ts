/**
 * Keeps a node's chain of CNI plugins ending in ours: puts the program there, writes what the plugin reaches the API
 * server with, and appends its entry to the configuration the runtime uses; again whenever another installer writes
 * there, when files vanish, and when the token is renewed. Takes everything away when it is told to end.
 */
import { join } from "node:path";
import { activeConfiguration, callsPlugin, type PluginEntry, withoutPlugin, withPlugin } from "./conflist.ts";
import { KUBECONFIG_FILE, ORIGINAL_SUFFIX } from "./names.ts";
import { type HostDirectory, installProgram, type ProgramSource, removeProgram } from "./programs.ts";

export interface InstallerOptions {
  readonly networkDirectory: HostDirectory;
  readonly binaryDirectory: HostDirectory;
  readonly program: ProgramSource;
  readonly entry: PluginEntry;
  /** What the plugin's kubeconfig shall be now; asked each time, since tokens are renewed. */
  readonly kubeconfig: () => string;
  readonly log: (line: string) => void;
}

/** What a look at the node found, after everything was mended that could be. */
export interface InstallerStatus {
  readonly isReady: boolean;
  /** The configuration the runtime uses, as the node names it; undefined where there is none. */
  readonly configuration?: string;
  /** What stands in the way, in one sentence. */
  readonly problem?: string;
  /** Times something had to be mended after the first time. */
  readonly repairs: number;
}

export class Installer {
  #repairs = -1;
  #problem = "";

  constructor(private readonly options: InstallerOptions) {}

  /** Looks, mends, and says what is. Never throws: what went wrong is in the answer, and is tried again. */
  sync(): InstallerStatus {
    const { networkDirectory, log } = this.options;
    let configuration: string | undefined, problem: string | undefined, isChanged = false;
    try {
      isChanged = installProgram(this.options.program, this.options.binaryDirectory);
      isChanged = this.#writeKubeconfig() || isChanged;
      configuration = activeConfiguration(this.#names());
      if (configuration === undefined) {
        problem =
          `there is no network configuration in ${networkDirectory.there}: the cluster's own CNI plugin has ` +
          "not been installed, or its configuration is elsewhere (--dest-cni-net-dir)";
      } else {
        const chained = this.#chain(configuration);
        isChanged = chained.isChanged || isChanged;
        configuration = chained.name;
      }
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    if (problem !== undefined && problem !== this.#problem) log(`not installed: ${problem}`);
    this.#problem = problem ?? "";
    if (problem === undefined && isChanged) {
      this.#repairs++;
      const where = `${networkDirectory.there}/${configuration}`;
      log(this.#repairs === 0 ? `installed into ${where}` : `mended ${where}`);
    }
    return {
      isReady: problem === undefined,
      ...(configuration === undefined ? {} : { configuration: `${networkDirectory.there}/${configuration}` }),
      ...(problem === undefined ? {} : { problem }),
      repairs: Math.max(this.#repairs, 0),
    };
  }

  /** Takes everything away again: configurations first, so that nothing calls what is gone. */
  remove(): void {
    const { networkDirectory: { here }, binaryDirectory, log } = this.options;
    for (const name of this.#names()) {
      const path = join(here, name);
      if (name.endsWith(ORIGINAL_SUFFIX)) continue;
      const text = readText(path);
      if (text === undefined || !callsPlugin(text)) continue;
      const original = `${path.replace(/list$/, "")}${ORIGINAL_SUFFIX}`;
      if (name.endsWith(".conflist") && readText(original) !== undefined) {
        Deno.renameSync(original, path.replace(/list$/, ""));
        Deno.removeSync(path);
      } else writeAtomically(path, withoutPlugin(text));
    }
    try {
      Deno.removeSync(join(here, KUBECONFIG_FILE));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    removeProgram(binaryDirectory);
    log("removed");
  }

  #names(): string[] {
    return [...Deno.readDirSync(this.options.networkDirectory.here)].filter(({ isFile }) => isFile)
      .map(({ name }) => name);
  }

  #writeKubeconfig(): boolean {
    const path = join(this.options.networkDirectory.here, KUBECONFIG_FILE),
      wanted = this.options.kubeconfig();
    if (readText(path) === wanted) return false;
    writeAtomically(path, wanted, 0o600);
    return true;
  }

  /** @returns the name of the configuration that is used then */
  #chain(name: string): { name: string; isChanged: boolean } {
    const path = join(this.options.networkDirectory.here, name), text = readText(path) ?? "";
    const chained = withPlugin(text, this.options.entry);
    if (chained === undefined) {
      throw new Error(`${name} is no network configuration: it is read again when it changes`);
    }
    if (chained === text) return { name, isChanged: false };
    if (name.endsWith(".conflist")) {
      writeAtomically(path, chained);
      return { name, isChanged: true };
    }
    // One plugin on its own cannot be chained: a list takes its place, and the original waits beside it.
    const list = `${name.replace(/\.(conf|json)$/, "")}.conflist`;
    writeAtomically(join(this.options.networkDirectory.here, list), chained);
    Deno.renameSync(path, `${path}${ORIGINAL_SUFFIX}`);
    return { name: list, isChanged: true };
  }
}

function readText(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** No runtime reads the file half written; the name in between is none it would read. */
function writeAtomically(path: string, text: string, mode = 0o644): void {
  const between = `${path}.linkerd-cni-new`;
  Deno.writeTextFileSync(between, text, { mode });
  Deno.renameSync(between, path);
}
