/**
 * Images as one OCI archive: names that share their layers, so that what is stored and pulled is there once.
 *
 * Source: OCI image specification 1.1 (image-layout, image-index, manifest, config); the annotation by which containerd
 * names what it imports is `io.containerd.image.name`.
 */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { layerBytes } from "./layer.ts";
import type { Architecture } from "../../src/linux/launcher/launcher.ts";
import { Tree } from "./tree.ts";

export interface ImageConfig {
  /** With its tag: `docker.io/team/app:1.2`. */
  readonly name: string;
  readonly entrypoint: readonly string[];
  /** `uid:gid` */
  readonly user: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ArchiveOptions {
  readonly architecture: Architecture;
  readonly layers: readonly Tree[];
  readonly images: readonly ImageConfig[];
  readonly isCompressed: boolean;
}

const OCI = "application/vnd.oci.image";

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** The archive's bytes. Two calls with the same trees give the same. */
export async function ociArchive(options: ArchiveOptions): Promise<Uint8Array> {
  const { architecture, isCompressed } = options;
  const archive = new Tree();
  const blob = (mediaType: string, bytes: Uint8Array): Descriptor => {
    const digest = digestOf(bytes);
    archive.file(`/blobs/sha256/${digest.slice(7)}`, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const json = (mediaType: string, value: unknown) =>
    blob(mediaType, new TextEncoder().encode(JSON.stringify(value)));
  const contents = await Promise.all(options.layers.map(layerBytes));
  const layers = contents.map((bytes) =>
    isCompressed
      ? blob(`${OCI}.layer.v1.tar+gzip`, gzipSync(bytes, { level: 9 }))
      : blob(`${OCI}.layer.v1.tar`, bytes)
  );
  const manifests = options.images.map((image) => {
    const config = json(`${OCI}.config.v1+json`, {
      architecture,
      os: "linux",
      config: {
        User: image.user,
        Env: Object.entries(image.environment).map(([name, value]) => `${name}=${value}`),
        Entrypoint: image.entrypoint,
        WorkingDir: "/",
        Labels: image.labels,
      },
      rootfs: { type: "layers", diff_ids: contents.map(digestOf) },
    });
    const manifest = json(`${OCI}.manifest.v1+json`, {
      schemaVersion: 2,
      mediaType: `${OCI}.manifest.v1+json`,
      config,
      layers,
    });
    const annotations = {
      "io.containerd.image.name": image.name,
      "org.opencontainers.image.ref.name": image.name.slice(image.name.lastIndexOf(":") + 1),
    };
    return { ...manifest, platform: { os: "linux", architecture }, annotations };
  });
  archive.file(
    "/index.json",
    JSON.stringify({ schemaVersion: 2, mediaType: `${OCI}.index.v1+json`, manifests }),
  );
  archive.file("/oci-layout", JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  return await layerBytes(archive);
}
