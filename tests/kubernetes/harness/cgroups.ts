/** A group of the machine's cgroups for the pods of one node, in every hierarchy there is (version 1, 2, or both). */

const MOUNT = "/sys/fs/cgroup";

export interface Cgroups {
  /** As the kubelet is told: `/NAME`. */
  readonly name: string;
  readonly directories: readonly string[];
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function hierarchies(): string[] {
  if (!isDirectory(MOUNT)) throw new Error(`${MOUNT} is not mounted`);
  try {
    Deno.statSync(`${MOUNT}/cgroup.controllers`);
    return [MOUNT];
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return [...Deno.readDirSync(MOUNT)].filter(({ isDirectory }) => isDirectory).map(({ name }) =>
      `${MOUNT}/${name}`
    );
  }
}

/** @throws Error that says where none can be made */
export function createCgroups(name: string): Cgroups {
  const directories: string[] = [];
  for (const hierarchy of hierarchies()) {
    const directory = `${hierarchy}/${name}`;
    Deno.mkdirSync(directory, { recursive: true });
    directories.push(directory);
    // Version 1 gives a group of cpuset no processors by itself.
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      if (hierarchy.endsWith("/cpuset")) {
        Deno.writeTextFileSync(`${directory}/${file}`, Deno.readTextFileSync(`${hierarchy}/${file}`));
      }
    }
  }
  return { name: `/${name}`, directories };
}

/** Their processes are gone: what is left are empty groups, the innermost first. */
function removeBelow(directory: string): void {
  if (!isDirectory(directory)) return;
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    if (isDirectory) removeBelow(`${directory}/${name}`);
  }
  Deno.removeSync(directory);
}

export function removeCgroups({ directories }: Cgroups): void {
  for (const directory of directories) removeBelow(directory);
}
