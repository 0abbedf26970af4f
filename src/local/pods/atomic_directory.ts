/**
 * A directory whose files change all at once: readers see the old set or the new one.
 *
 * Files live in a directory of their own, `..data` is a link to it that is replaced in one rename, and the visible
 * names are links through `..data`. Source: k8s.io/kubernetes pkg/volume/util/atomic_writer.go; programs that watch
 * mounted ConfigMaps and Secrets rely on this shape.
 */
export interface ProjectedFile {
  readonly content: Uint8Array;
  readonly mode: number;
}

/** Path below the directory → file. */
export type ProjectedFiles = ReadonlyMap<string, ProjectedFile>;

const DATA = "..data";

/** True for a path that stays below the directory and does not use the names kept for its working. */
export function isSafePath(path: string): boolean {
  return path !== "" && !path.startsWith("/") && !path.startsWith("..") &&
    path.split("/").every((part) => part !== ".." && part !== "" && part !== ".");
}

export class AtomicDirectory {
  #version = 0;
  #written = "";

  /** @param path must exist */
  constructor(readonly path: string) {}

  /** Makes these files the content; does nothing when they are. @throws Error for a path that leaves the directory */
  write(files: ProjectedFiles): void {
    const unsafe = [...files.keys()].find((path) => !isSafePath(path));
    if (unsafe !== undefined) throw new Error(`invalid path in volume: ${JSON.stringify(unsafe)}`);
    const wanted = JSON.stringify(
      [...files].map(([path, { content, mode }]) => [path, mode, content.toBase64()]),
    );
    if (wanted === this.#written) return;
    const before = this.#version === 0 ? undefined : `..${this.#version}`;
    const version = `..${++this.#version}`;
    Deno.mkdirSync(`${this.path}/${version}`);
    for (const [path, { content, mode }] of files) {
      const full = `${this.path}/${version}/${path}`;
      Deno.mkdirSync(full.slice(0, full.lastIndexOf("/")), { recursive: true });
      Deno.writeFileSync(full, content);
      Deno.chmodSync(full, mode);
    }
    Deno.symlinkSync(version, `${this.path}/${DATA}_tmp`);
    Deno.renameSync(`${this.path}/${DATA}_tmp`, `${this.path}/${DATA}`);
    const visible = new Set([...files.keys()].map((path) => path.split("/")[0]!));
    for (const { name } of [...Deno.readDirSync(this.path)]) {
      if (!name.startsWith("..") && !visible.delete(name)) Deno.removeSync(`${this.path}/${name}`);
    }
    for (const name of visible) Deno.symlinkSync(`${DATA}/${name}`, `${this.path}/${name}`);
    if (before !== undefined) Deno.removeSync(`${this.path}/${before}`, { recursive: true });
    this.#written = wanted;
  }
}
