/** A pod's volumes: made before its containers, kept current while it runs, gone with it. */
import type { Container, Volume } from "../../kube/kinds.ts";
import { mountTmpfs, unmount } from "../../linux/mount.ts";
import { AtomicDirectory } from "./atomic_directory.ts";
import { expand, type PodFacts, type References } from "./environment.ts";
import { Missing } from "./missing.ts";
import { projectedFiles, type Projection, projectionOf, type TokenWish } from "./projection.ts";
import { parseQuantity } from "./quantity.ts";
import type { Bind } from "./root.ts";

export interface IssuedToken {
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export interface VolumeContext {
  /** A directory of the pod's own, which exists. */
  readonly directory: string;
  /** Where claims keep their data, across pods. */
  readonly claimsDirectory: string;
  facts(): PodFacts;
  readonly references: References;
  issueToken(wish: TokenWish): Promise<IssuedToken>;
}

/** A volume that is filled with files. */
interface Filled {
  readonly projection: Projection;
  readonly directory: AtomicDirectory;
  readonly tokens: Map<string, string>;
  /** When its tokens are asked for again, milliseconds since the epoch. */
  renewAt: number;
}

/** Share of a token's life after which it is replaced. Source: kubelet's token manager. */
const RENEW_AT = 0.8;

export class PodVolumes {
  readonly #context: VolumeContext;
  /** Volume name → path on this machine. */
  readonly #paths = new Map<string, string>();
  readonly #filled: Filled[] = [];
  readonly #mounted: string[] = [];
  #isClosed = false;

  constructor(context: VolumeContext) {
    this.#context = context;
  }

  /** Makes every volume; call again after Missing. @throws Missing when something it needs is not there (yet) */
  async prepare(): Promise<void> {
    for (const volume of this.#context.facts().pod.spec?.volumes ?? []) {
      if (!this.#paths.has(volume.name)) this.#paths.set(volume.name, await this.#make(volume));
    }
  }

  async #make(volume: Volume): Promise<string> {
    const path = `${this.#context.directory}/${volume.name}`;
    const projection = projectionOf(volume);
    if (projection !== undefined) {
      Deno.mkdirSync(path, { recursive: true });
      const filled = {
        projection,
        directory: new AtomicDirectory(path),
        tokens: new Map(),
        renewAt: Infinity,
      };
      await this.#fill(filled);
      this.#filled.push(filled);
      return path;
    }
    if (volume.emptyDir !== undefined) return this.#makeEmpty(path, volume.emptyDir);
    if (volume.hostPath !== undefined) return hostPath(volume.hostPath);
    if (volume.persistentVolumeClaim !== undefined) {
      const namespace = this.#context.facts().pod.metadata?.namespace ?? "default";
      const claim = `${this.#context.claimsDirectory}/${namespace}_${volume.persistentVolumeClaim.claimName}`;
      Deno.mkdirSync(claim, { recursive: true });
      Deno.chmodSync(claim, 0o777);
      return claim;
    }
    const kind = Object.keys(volume).find((key) => key !== "name") ?? "nothing";
    throw new Missing(`volume "${volume.name}": the laptop cluster has no volumes of kind ${kind}`);
  }

  #makeEmpty(path: string, { medium, sizeLimit }: NonNullable<Volume["emptyDir"]>): string {
    Deno.mkdirSync(path, { recursive: true });
    if (medium === "Memory") {
      mountTmpfs(path, 0o777, sizeLimit === undefined ? undefined : parseQuantity(sizeLimit));
      this.#mounted.push(path);
    } else Deno.chmodSync(path, 0o777);
    return path;
  }

  async #fill(filled: Filled, now = Date.now()): Promise<void> {
    if (now >= filled.renewAt || filled.tokens.size === 0) {
      for (const { serviceAccountToken: wish } of filled.projection.sources) {
        if (wish === undefined) continue;
        const { token, expiresAt } = await this.#context.issueToken(wish);
        filled.tokens.set(wish.path, token);
        const due = now + (expiresAt - now) * RENEW_AT;
        filled.renewAt = filled.renewAt <= now ? due : Math.min(filled.renewAt, due);
      }
    }
    if (this.#isClosed) return;
    const files = projectedFiles(
      filled.projection,
      this.#context.facts(),
      this.#context.references,
      filled.tokens,
    );
    filled.directory.write(files);
  }

  /** When `refresh` should be called next for the sake of tokens; Infinity when there are none. */
  get renewAt(): number {
    return Math.min(Infinity, ...this.#filled.map(({ renewAt }) => renewAt));
  }

  /** Brings files up to date with the objects they come from. @throws what the API says when a token is refused */
  async refresh(now = Date.now()): Promise<void> {
    for (const filled of this.#filled) {
      try {
        await this.#fill(filled, now);
      } catch (error) {
        // What a running pod has mounted stays as it was when its object goes away.
        if (!(error instanceof Missing)) throw error;
      }
    }
  }

  /** Where a container's volumes belong. @throws Missing for a volume the pod does not have */
  bindsOf(container: Container, environment: ReadonlyMap<string, string>): Bind[] {
    return (container.volumeMounts ?? []).map(
      ({ name, mountPath, readOnly = false, subPath, subPathExpr }) => {
        const path = this.#paths.get(name);
        if (path === undefined) {
          throw new Missing(`container "${container.name}" mounts unknown volume "${name}"`);
        }
        const below = subPathExpr !== undefined ? expand(subPathExpr, environment) : subPath ?? "";
        return {
          source: below === "" ? path : subPathOf(path, below),
          target: mountPath,
          isReadOnly: readOnly,
        };
      },
    );
  }

  /** Unmounts what was mounted. The pod's directory is the caller's to remove. */
  close(): void {
    this.#isClosed = true;
    for (const path of this.#mounted.splice(0)) unmount(path);
  }
}

function hostPath({ path, type = "" }: NonNullable<Volume["hostPath"]>): string {
  if (type === "DirectoryOrCreate") Deno.mkdirSync(path, { recursive: true });
  if (type === "FileOrCreate") Deno.openSync(path, { create: true, append: true }).close();
  try {
    Deno.statSync(path);
  } catch (error) {
    throw new Missing(`hostPath ${path}: ${(error as Error).message}`);
  }
  return path;
}

function subPathOf(volume: string, below: string): string {
  if (below.startsWith("/") || below.split("/").includes("..")) {
    throw new Missing(`subPath ${below} leaves its volume`);
  }
  const path = `${volume}/${below}`;
  try {
    const real = Deno.realPathSync(path);
    if (!real.startsWith(`${Deno.realPathSync(volume)}/`)) {
      throw new Missing(`subPath ${below} leaves its volume`);
    }
    return real;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    Deno.mkdirSync(path, { recursive: true });
    return path;
  }
}
