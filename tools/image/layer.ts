/** A tree as the bytes of a layer: the same tree gives the same bytes, on whatever day and machine. */
import { buffer } from "node:stream/consumers";
// @ts-types="@types/tar-stream"
import { pack } from "tar-stream";
import type { Tree, TreeNode } from "./tree.ts";

/** Everything is root's, and from the epoch. */
const NOBODYS = { uid: 0, gid: 0, uname: "", gname: "", mtime: new Date(0) } as const;

function attributesOf(node: TreeNode): Record<string, string> | null {
  if (node.kind !== "file" || node.attributes === undefined) return null;
  return Object.fromEntries(
    Object.entries(node.attributes).map(([name, value]) => {
      // The format's writer takes text: a byte above 127 would become two.
      if (value.some((byte) => byte > 127)) throw new Error(`the attribute ${name} cannot be written`);
      return [`SCHILY.xattr.${name}`, String.fromCharCode(...value)];
    }),
  );
}

/** An uncompressed tar archive. */
export async function layerBytes(tree: Tree): Promise<Uint8Array> {
  const archive = pack();
  const bytes = buffer(archive);
  for (const [path, node] of tree.entries()) {
    const name = path.slice(1), pax = attributesOf(node);
    if (node.kind === "directory") {
      archive.entry({ name: `${name}/`, type: "directory", mode: node.mode, ...NOBODYS });
    } else if (node.kind === "link") {
      archive.entry({ name, type: "symlink", linkname: node.target, mode: 0o777, ...NOBODYS });
    } else {
      const mode = node.isExecutable ? 0o755 : 0o644;
      archive.entry({ name, mode, ...NOBODYS, ...(pax === null ? {} : { pax }) }, node.content as Buffer);
    }
  }
  archive.finalize();
  return new Uint8Array(await bytes);
}
