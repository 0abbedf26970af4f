/** Reads manifests from a file, a directory and all below it, standard input (`-`) or an http(s) address. */
import { join } from "node:path";
import { MeshFailure } from "../../mesh/error.ts";
import type { Environment } from "../environment.ts";

export interface Source {
  readonly file: string;
  readonly text: string;
}

function unreadable(source: string, why: string): MeshFailure {
  return new MeshFailure({
    code: "manifest-unreadable",
    source: "usage",
    detail: `${source} cannot be read: ${why}`,
    remedy: "give a file, a directory, an http(s) address, or - for standard input",
  });
}

async function readDirectory(directory: string): Promise<Source[]> {
  const sources: Source[] = [];
  const entries = await Array.fromAsync(Deno.readDir(directory));
  for (const entry of entries.sort((left, right) => left.name < right.name ? -1 : 1)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory) sources.push(...await readDirectory(path));
    else if (/\.(ya?ml|json)$/.test(entry.name)) {
      sources.push({ file: path, text: await Deno.readTextFile(path) });
    }
  }
  return sources;
}

export async function readSources(
  source: string,
  environment: Pick<Environment, "readStandardInput" | "fetch">,
): Promise<Source[]> {
  if (source === "-") return [{ file: "<stdin>", text: await environment.readStandardInput() }];
  try {
    if (/^https?:\/\//.test(source)) {
      const response = await environment.fetch(source);
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      return [{ file: source, text: await response.text() }];
    }
    if ((await Deno.stat(source)).isDirectory) return await readDirectory(source);
    return [{ file: source, text: await Deno.readTextFile(source) }];
  } catch (error) {
    throw unreadable(source, error instanceof Error ? error.message : String(error));
  }
}
