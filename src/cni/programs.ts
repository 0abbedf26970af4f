/**
 * Puts the plugin's program on a node: runtime, its libraries, the script, and an executable by the plugin's name that
 * starts them. A node needs no libc of its own kind and no shell for it.
 *
 * What is on the node lies in a directory by its digest: a new version stands beside the one that may be running, and
 * the executable changes over by a rename.
 */
import { createHash } from "node:crypto";
import { type Architecture, launcher } from "../linux/launcher/launcher.ts";
import { PLUGIN, PROGRAM_DIRECTORY } from "./names.ts";

export interface ProgramSource {
  /** The runtime's own executable. */
  readonly runtime: string;
  /** A directory of shared libraries with the loader among them. */
  readonly libraries: string;
  /** The plugin's bundle. */
  readonly script: string;
}

/** Where a directory is, seen from here, and seen from the node. */
export interface HostDirectory {
  readonly here: string;
  readonly there: string;
}

const ARCHITECTURE: Architecture = Deno.build.arch === "aarch64" ? "arm64" : "amd64";
const LOADER = /^ld-linux-.*\.so\.[0-9]+$/;

interface ProgramFile {
  readonly name: string;
  readonly source: string;
}

function filesOf({ runtime, libraries, script }: ProgramSource): ProgramFile[] {
  const shared = [...Deno.readDirSync(libraries)].filter(({ name, isFile }) =>
    isFile && /\.so\.[0-9]+$/.test(name)
  );
  return [
    { name: "deno", source: runtime },
    { name: "plugin.js", source: script },
    ...shared.map(({ name }) => ({ name, source: `${libraries}/${name}` })),
  ];
}

/** Of names, sizes and the script's bytes: the others change with their size or not at all within a release. */
function digestOf(files: readonly ProgramFile[]): string {
  const hash = createHash("sha256").update(Deno.version.deno);
  for (const { name, source } of files) {
    hash.update(`${name} ${Deno.statSync(source).size}\n`);
    if (name === "plugin.js") hash.update(Deno.readFileSync(source));
  }
  return hash.digest("hex").slice(0, 16);
}

function isComplete(directory: string, files: readonly ProgramFile[]): boolean {
  try {
    return files.every(({ name, source }) =>
      Deno.statSync(`${directory}/${name}`).size === Deno.statSync(source).size
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function isSame(path: string, bytes: Uint8Array): boolean {
  try {
    const present = Deno.readFileSync(path);
    return present.length === bytes.length && present.every((byte, index) => byte === bytes[index]);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Installs the program, or mends it. Nothing is written where everything is right.
 * @returns whether anything was written
 */
export function installProgram(source: ProgramSource, host: HostDirectory): boolean {
  const files = filesOf(source), digest = digestOf(files);
  const loader = files.find(({ name }) => LOADER.test(name));
  if (loader === undefined) throw new Error(`${source.libraries} holds no loader`);
  const all = `${host.here}/${PROGRAM_DIRECTORY}`, directory = `${all}/${digest}`;
  let isChanged = false;
  if (!isComplete(directory, files)) {
    const making = `${all}/making-${digest}`;
    Deno.mkdirSync(making, { recursive: true });
    for (const { name, source } of files) {
      Deno.copyFileSync(source, `${making}/${name}`);
      Deno.chmodSync(`${making}/${name}`, 0o755);
    }
    remove(directory);
    Deno.renameSync(making, directory);
    isChanged = true;
  }
  const there = `${host.there}/${PROGRAM_DIRECTORY}/${digest}`;
  const executable = launcher({
    architecture: ARCHITECTURE,
    command: [
      `${there}/${loader.name}`,
      "--library-path",
      there,
      `${there}/deno`,
      "run",
      "--no-config",
      "--no-lock",
      "--quiet",
      "--allow-all",
      `${there}/plugin.js`,
    ],
  });
  const path = `${host.here}/${PLUGIN}`;
  if (!isSame(path, executable)) {
    Deno.writeFileSync(`${path}.new`, executable);
    Deno.chmodSync(`${path}.new`, 0o755);
    Deno.renameSync(`${path}.new`, path);
    isChanged = true;
  }
  if (isChanged) {
    for (const { name } of Deno.readDirSync(all)) if (name !== digest) remove(`${all}/${name}`);
  }
  return isChanged;
}

function remove(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

export function removeProgram({ here }: HostDirectory): void {
  remove(`${here}/${PLUGIN}`);
  remove(`${here}/${PROGRAM_DIRECTORY}`);
}
