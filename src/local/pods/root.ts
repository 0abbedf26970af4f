/**
 * A container's file system: this machine's, with what the pod brings on top, seen by the container alone.
 *
 * The root is memory; this machine's top directories are bound into it, /run is empty, and volumes and the pod's files
 * (resolv.conf, hosts) are bound where they belong. Where a mount point does not exist on the machine, the nearest
 * directory that does is replaced by an equal one in memory, so that nothing is ever created on the machine's disk.
 */
import { bindMount, isolateMounts, mountTmpfs, pivotRoot, unmount } from "../../linux/mount.ts";

/** Something of this machine (or of the runner) shown at a path of the container. */
export interface Bind {
  readonly source: string;
  readonly target: string;
  readonly isReadOnly?: boolean;
}

/** Where the machine's root can be seen while the container's is being made. */
const OLD = "/.machine";
const HIDDEN = new Set(["run"]);

/**
 * Makes the root of the mount namespace the calling thread is in, which must be a fresh copy.
 * @param stage an existing empty directory, used as a foothold
 * @throws SystemError, or Deno.errors.NotFound when a source is not there
 */
export function makeRoot(stage: string, binds: readonly Bind[]): void {
  isolateMounts();
  mountTmpfs(stage);
  for (const entry of Deno.readDirSync("/")) {
    if (!HIDDEN.has(entry.name)) mirrorEntry(entry, "", stage);
  }
  Deno.mkdirSync(`${stage}/run`);
  Deno.mkdirSync(`${stage}${OLD}`);
  pivotRoot(stage, OLD);
  mountTmpfs("/run");
  const memory = new Set(["/", "/run"]);
  // Outer mount points first, or they would hide the inner ones.
  for (const { source, target, isReadOnly } of [...binds].sort((a, b) => (a.target < b.target ? -1 : 1))) {
    const from = OLD + source;
    const path = makePoint(target, Deno.statSync(from).isDirectory, memory);
    bindMount(from, path, isReadOnly);
  }
  unmount(OLD);
  Deno.removeSync(OLD);
}

function mirrorEntry({ name, isSymlink, isDirectory }: Deno.DirEntry, from: string, to: string): void {
  const source = `${from}/${name}`, target = `${to}/${name}`;
  if (isSymlink) return Deno.symlinkSync(Deno.readLinkSync(source), target);
  if (isDirectory) Deno.mkdirSync(target);
  else Deno.createSync(target).close();
  bindMount(source, target);
}

function lstat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}

/**
 * Makes sure that something can be mounted at `path`.
 * @returns the path with its symbolic links followed
 */
function makePoint(path: string, isDirectory: boolean, memory: Set<string>): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  let at = "";
  for (let index = 0, links = 0; index < parts.length; index++) {
    const here = `${at}/${parts[index]}`, isLast = index === parts.length - 1;
    const info = lstat(here);
    if (info?.isSymlink) {
      if (++links > 40) throw new Error(`${path}: too many symbolic links`);
      const link = Deno.readLinkSync(here);
      const base = link.startsWith("/") ? [] : at.split("/");
      return makePoint(
        [...base, link, ...parts.slice(index + 1)].join("/").replace(/^(?!\/)/, "/"),
        isDirectory,
        memory,
      );
    }
    if (parts[index] === "..") {
      at = at.slice(0, Math.max(0, at.lastIndexOf("/")));
      continue;
    }
    if (info === undefined) {
      if (!memory.has(at || "/")) mirror(at, memory);
      if (isLast && !isDirectory) Deno.createSync(here).close();
      else {
        Deno.mkdirSync(here);
        memory.add(here);
      }
    } else if (!isLast && !info.isDirectory) throw new Error(`${path}: ${here} is not a directory`);
    at = here;
  }
  return at || "/";
}

/** Replaces a directory of the machine by one in memory with the same content. */
function mirror(directory: string, memory: Set<string>): void {
  const original = "/.mirror";
  Deno.mkdirSync(original);
  bindMount(directory, original);
  mountTmpfs(directory, Deno.statSync(original).mode ?? 0o755);
  for (const entry of Deno.readDirSync(original)) {
    try {
      mirrorEntry(entry, original, directory);
    } catch (error) {
      // What this user may not see is not there for the container either.
      if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    }
  }
  unmount(original);
  Deno.removeSync(original);
  memory.add(directory);
}
