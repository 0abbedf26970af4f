import { deepEqual, equal, rejects } from "node:assert/strict";
import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
// @ts-types="@types/tar-stream"
import { extract, type Headers } from "tar-stream";
import { ociArchive } from "./archive.ts";
import { layerBytes } from "./layer.ts";
import { Tree } from "./tree.ts";

async function read(archive: Uint8Array): Promise<Map<string, { header: Headers; content: Uint8Array }>> {
  const found = new Map<string, { header: Headers; content: Uint8Array }>();
  const reader = extract();
  Readable.from([archive]).pipe(reader);
  for await (const entry of reader) {
    const { header } = entry as unknown as { header: Headers };
    found.set(header.name, { header, content: new Uint8Array(await buffer(entry)) });
  }
  return found;
}

function tree(): Tree {
  const made = new Tree();
  made.file("/usr/bin/one", "1", {
    isExecutable: true,
    attributes: { "user.note": Uint8Array.of(0, 1, 127) },
  });
  made.file("/etc/two", "2");
  made.link("/bin", "usr/bin");
  made.directory("/tmp", 0o1777);
  return made;
}

Deno.test("a layer has parents before children, root as the owner, the epoch as the time, and attributes", async () => {
  const entries = await read(await layerBytes(tree()));
  deepEqual([...entries.keys()], ["bin", "etc/", "etc/two", "tmp/", "usr/", "usr/bin/", "usr/bin/one"]);
  const { header, content } = entries.get("usr/bin/one")!;
  equal(new TextDecoder().decode(content), "1");
  equal(header.mode, 0o755);
  deepEqual([header.uid, header.gid, header.mtime?.getTime()], [0, 0, 0]);
  const { pax } = header as unknown as { pax: Record<string, string> };
  equal(pax["SCHILY.xattr.user.note"], "\x00\x01\x7f");
  equal(entries.get("tmp/")!.header.mode, 0o1777);
  equal(entries.get("bin")!.header.linkname, "usr/bin");
});

Deno.test("an attribute that the format's writer would spoil is refused", () => {
  const spoilt = new Tree();
  spoilt.file("/x", "", { attributes: { "user.note": Uint8Array.of(200) } });
  return rejects(() => layerBytes(spoilt), /user\.note/);
});

for (const isCompressed of [false, true]) {
  Deno.test(`an archive's names share its layers, and every digest is right (compressed: ${isCompressed})`, async () => {
    const image = (name: string) => ({
      name,
      entrypoint: ["/usr/bin/one"],
      user: "1:1",
      environment: { A: "b" },
      labels: {},
    });
    const options = {
      architecture: "arm64",
      layers: [tree()],
      images: [image("x/a:1"), image("x/b:2")],
      isCompressed,
    } as const;
    const archive = await ociArchive(options);
    deepEqual(await ociArchive({ ...options, layers: [tree()] }), archive, "the same again");
    const entries = await read(archive);
    const json = (path: string) => JSON.parse(new TextDecoder().decode(entries.get(path)!.content));
    const blob = (digest: string) => `blobs/sha256/${digest.slice(7)}`;
    for (const [name, { content }] of entries) {
      if (!name.startsWith("blobs/sha256/") || content.length === 0) continue;
      equal(createHash("sha256").update(content).digest("hex"), name.slice("blobs/sha256/".length));
    }
    const { manifests } = json("index.json");
    deepEqual(manifests.map((one: { annotations: object }) => one.annotations), [
      { "io.containerd.image.name": "x/a:1", "org.opencontainers.image.ref.name": "1" },
      { "io.containerd.image.name": "x/b:2", "org.opencontainers.image.ref.name": "2" },
    ]);
    const [first, second] = manifests.map((one: { digest: string }) => json(blob(one.digest)));
    deepEqual(first.layers, second.layers);
    const config = json(blob(first.config.digest));
    equal(config.architecture, "arm64");
    const layer = entries.get(blob(first.layers[0].digest))!.content;
    const plain = isCompressed ? gunzipSync(layer) : layer;
    equal(`sha256:${createHash("sha256").update(plain).digest("hex")}`, config.rootfs.diff_ids[0]);
  });
}
