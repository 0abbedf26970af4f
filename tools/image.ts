/**
 * `deno task image`: the image of proxy, init, control plane, dashboard and demo as an OCI archive, without Docker.
 *
 * usage: deno run -A tools/image.ts [--arch amd64|arm64] [--registry NAME] [--compress] [--output FILE | --root DIR]
 *
 * One set of layers with three names (`linkerd-deno/proxy`, `/controller`, `/demo`) that differ in what they start. Load
 * it with `ctr -n k8s.io images import FILE`, `kind load image-archive FILE`, or push it with any OCI tool.
 */
import { dirname, fromFileUrl } from "./build/paths.ts";
import { type ImageConfig, ociArchive } from "./image/archive.ts";
import { baseLayer, imageConfigs, PACKAGES, programLayer } from "./image/contents.ts";
import { copyrightPackage, debianPackages } from "./image/debian.ts";
import type { Architecture } from "../src/linux/launcher/launcher.ts";
import { must } from "./command.ts";
import type { Tree } from "./image/tree.ts";
import { runtimeExecutable } from "./image/runtime.ts";
import configuration from "../deno.json" with { type: "json" };

const root = dirname(dirname(fromFileUrl(import.meta.url)));
const MEGABYTE = 2 ** 20, LIMIT_BYTES = 150 * MEGABYTE;

export interface ImageOptions {
  readonly architecture: Architecture;
  readonly registry?: string;
  /** Its tags; the project's version where left out. */
  readonly versions?: readonly string[];
  readonly isCompressed?: boolean;
  readonly output: string;
}

/** What is in the image: what seldom changes, and what `deno task build` made. @throws Error when it is too much */
async function layersFor(architecture: Architecture): Promise<{ layers: [Tree, Tree]; sizeBytes: number }> {
  const cache = `${root}/.cache/image/${architecture}`;
  await Deno.mkdir(cache, { recursive: true });
  const runtime = await runtimeExecutable(architecture, cache);
  const linked = await debianPackages(architecture, PACKAGES, cache);
  const copyrights = linked.map(copyrightPackage).filter((name) => !linked.some((one) => one.name === name));
  const packages = [...linked, ...await debianPackages(architecture, copyrights, cache)];
  const base = baseLayer(architecture, packages, runtime);
  const programs = await programLayer(architecture, `${root}/dist`);
  const sizeBytes = base.sizeBytes + programs.sizeBytes;
  if (sizeBytes > LIMIT_BYTES) {
    throw new Error(
      `the image has ${(sizeBytes / MEGABYTE).toFixed(1)} MB, more than the 150 MB it may have`,
    );
  }
  return { layers: [base, programs], sizeBytes };
}

/** Builds the archive. @returns its unpacked size in bytes */
export async function buildImage(options: ImageOptions): Promise<number> {
  const { architecture, output } = options, { layers, sizeBytes } = await layersFor(architecture);
  const registry = options.registry === undefined ? "docker.io/" : `${options.registry.replace(/\/$/, "")}/`;
  const bytes = await ociArchive({
    architecture,
    layers,
    images: uniqueNames(
      (options.versions ?? [configuration.version]).flatMap((tag) => imageConfigs(registry, tag)),
    ),
    isCompressed: options.isCompressed ?? false,
  });
  await Deno.mkdir(dirname(output), { recursive: true });
  await Deno.writeFile(output, bytes);
  return sizeBytes;
}

/** Lays the image's files out below an empty directory, for a container engine's build. */
async function writeRoot(architecture: Architecture, directory: string): Promise<void> {
  const { layers } = await layersFor(architecture);
  for (const layer of layers) await layer.write(directory);
  await must("setcap", ["cap_net_admin+ep", `${directory}/usr/lib/linkerd/linkerd2-proxy-init`]);
}

/** The demo's name has no version: it is there once. */
function uniqueNames(images: readonly ImageConfig[]): ImageConfig[] {
  return [...new Map(images.map((image) => [image.name, image])).values()];
}

function flag(name: string): string | undefined {
  const at = Deno.args.findIndex((argument) => argument === `--${name}` || argument.startsWith(`--${name}=`));
  if (at < 0) return undefined;
  const [, value] = /^--[a-z]+=(.*)$/s.exec(Deno.args[at]!) ?? [];
  return value ?? Deno.args[at + 1];
}

if (import.meta.main) {
  const architecture = flag("arch") ?? (Deno.build.arch === "aarch64" ? "arm64" : "amd64");
  if (architecture !== "amd64" && architecture !== "arm64") {
    console.error(`image: --arch is amd64 or arm64, not ${architecture}`);
    Deno.exit(2);
  }
  const registry = flag("registry"), directory = flag("root");
  const output = flag("output") ?? `${root}/dist/image/linkerd-deno-${architecture}.tar`;
  try {
    if (directory !== undefined) {
      await writeRoot(architecture, directory);
      Deno.exit(0);
    }
    const sizeBytes = await buildImage({
      architecture,
      output,
      isCompressed: Deno.args.includes("--compress"),
      ...(registry === undefined ? {} : { registry }),
    });
    console.log(`${output}: ${(sizeBytes / MEGABYTE).toFixed(1)} MB unpacked`);
  } catch (error) {
    console.error(`image: ${error instanceof Error ? error.message : error}`);
    Deno.exit(1);
  }
}
