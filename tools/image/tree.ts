/** A file system in memory, as an image's layer holds it: every path once, nothing of the machine that made it. */
import { dirname, join } from "node:path";

interface FileNode {
  readonly kind: "file";
  readonly content: Uint8Array;
  readonly isExecutable: boolean;
  /** Extended attributes, by name. */
  readonly attributes?: Readonly<Record<string, Uint8Array>>;
}

export type TreeNode =
  | FileNode
  | { readonly kind: "link"; readonly target: string }
  | { readonly kind: "directory"; readonly mode: number };

/** Paths are absolute; directories above a path come by themselves. */
export class Tree {
  readonly #nodes = new Map<string, TreeNode>();

  directory(path: string, mode = 0o755): void {
    this.#put(path, { kind: "directory", mode });
  }

  link(path: string, target: string): void {
    this.#put(path, { kind: "link", target });
  }

  file(
    path: string,
    content: Uint8Array | string,
    options: Partial<Omit<FileNode, "kind" | "content">> = {},
  ): void {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    this.#put(path, { kind: "file", content: bytes, isExecutable: false, ...options });
  }

  /** Takes a directory of this machine in, without its owners, times and links' targets being followed. */
  async take(path: string, source: string): Promise<void> {
    for await (const { name, isDirectory, isSymlink } of Deno.readDir(source)) {
      const from = join(source, name), to = join(path, name);
      if (isSymlink) this.link(to, await Deno.readLink(from));
      else if (isDirectory) await this.take(to, from);
      else {
        const { mode } = await Deno.stat(from);
        this.file(to, await Deno.readFile(from), { isExecutable: ((mode ?? 0) & 0o111) !== 0 });
      }
    }
  }

  /** Lays it out below a directory of this machine, as a container engine's build takes it; attributes are left out. */
  async write(directory: string): Promise<void> {
    for (const [path, node] of this.entries()) {
      const to = join(directory, path);
      if (node.kind === "directory") {
        await Deno.mkdir(to, { recursive: true });
        await Deno.chmod(to, node.mode);
      } else if (node.kind === "link") await Deno.symlink(node.target, to);
      else await Deno.writeFile(to, node.content, { mode: node.isExecutable ? 0o755 : 0o644 });
    }
  }

  /** Bytes of all files. */
  get sizeBytes(): number {
    let sum = 0;
    for (const node of this.#nodes.values()) if (node.kind === "file") sum += node.content.length;
    return sum;
  }

  /** Parents before children, in the order of their names. */
  entries(): [string, TreeNode][] {
    return [...this.#nodes].sort(([one], [other]) => one < other ? -1 : 1);
  }

  #put(path: string, node: TreeNode): void {
    const above = dirname(path);
    if (above !== "/" && !this.#nodes.has(above)) this.#put(above, { kind: "directory", mode: 0o755 });
    if (node.kind !== "directory" || !this.#nodes.has(path)) this.#nodes.set(path, node);
  }
}
