/**
 * Issuer and trust anchors as files that may be swapped at any time: loaded, watched, replaced live.
 *
 * A pair that does not fit is refused with its reason and the one before stays: a half-written rotation, or a wrong
 * key, costs nothing but an event.
 */
import { join } from "node:path";
import { LeafSigner } from "./issue.ts";
import { type Issuer, loadIssuer } from "./trust.ts";

export interface LoadedIssuer {
  readonly issuer: Issuer;
  readonly signer: LeafSigner;
}

export interface CredentialFiles {
  /** A directory with crt.pem and key.pem, or tls.crt and tls.key. */
  issuerDirectory: string;
  /** PEM of the trust anchors. */
  anchorsFile: string;
}

export type CredentialEvent =
  | { kind: "updated"; validUntil: number }
  | { kind: "skipped" }
  | { kind: "refused"; reason: string };

export interface CredentialWatcher {
  /** Undefined while there has been no usable issuer. */
  readonly current: LoadedIssuer | undefined;
  /** Why the last read was refused; undefined after a good one. */
  readonly problem: string | undefined;
  /** Reads the files now. */
  reload(): Promise<void>;
  stop(): void;
}

async function readFirst(directory: string, names: readonly string[]): Promise<string> {
  for (const name of names) {
    try {
      return await Deno.readTextFile(join(directory, name));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error(`none of ${names.join(", ")} in ${directory}`);
}

/** Reads the files, then again whenever they change. Resolves after the first read, good or bad. */
export async function watchCredentials(
  files: CredentialFiles,
  onEvent: (event: CredentialEvent) => void,
  now: () => number = Date.now,
): Promise<CredentialWatcher> {
  let current: LoadedIssuer | undefined;
  let problem: string | undefined;
  let lastText = "";

  const reload = async () => {
    try {
      const [certificatePem, keyPem, anchorsPem] = await Promise.all([
        readFirst(files.issuerDirectory, ["crt.pem", "tls.crt"]),
        readFirst(files.issuerDirectory, ["key.pem", "tls.key"]),
        Deno.readTextFile(files.anchorsFile),
      ]);
      const text = certificatePem + keyPem + anchorsPem;
      if (text === lastText && current !== undefined) return onEvent({ kind: "skipped" });
      lastText = text;
      const issuer = loadIssuer({ certificatePem, keyPem, anchorsPem, now: now() });
      current = { issuer, signer: await LeafSigner.create(issuer) };
      problem = undefined;
      onEvent({ kind: "updated", validUntil: issuer.validUntil });
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
      onEvent({ kind: "refused", reason: problem });
    }
  };
  // One read after the other: events come in bursts, since a mounted Secret is swapped by several renames.
  let reading = Promise.resolve();
  let pending: ReturnType<typeof setTimeout> | undefined;
  const schedule = () => {
    clearTimeout(pending);
    pending = setTimeout(() => reading = reading.then(reload), 100);
  };

  const anchorsDirectory = join(files.anchorsFile, "..");
  const watcher = Deno.watchFs([...new Set([files.issuerDirectory, anchorsDirectory])]);
  (async () => {
    for await (const event of watcher) {
      if (event.kind !== "access") schedule();
    }
  })().catch((error) => console.error(`watching ${files.issuerDirectory}: ${error}`));
  await reload();
  return {
    get current() {
      return current;
    },
    get problem() {
      return problem;
    },
    reload: () => reading = reading.then(reload),
    stop() {
      clearTimeout(pending);
      watcher.close();
    },
  };
}
