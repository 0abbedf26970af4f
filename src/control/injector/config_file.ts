/** The installation's values as mounted from ConfigMap linkerd-config, with the trust anchors as they are now. */
import { parse } from "yaml";
import { defaultValues, mergeValues, type PartialValues, type Values } from "../../mesh/values.ts";

/** Reads again whenever a file has changed; what cannot be read leaves the last good values. */
export class ConfigFile {
  readonly #valuesPath: string;
  readonly #anchorsPath: string;
  #stamp = "";
  #values: Values | undefined;

  constructor(valuesPath: string, anchorsPath: string) {
    this.#valuesPath = valuesPath;
    this.#anchorsPath = anchorsPath;
  }

  async read(): Promise<Values> {
    const stamp = [this.#valuesPath, this.#anchorsPath].map(modified).join(" ");
    if (this.#values !== undefined && stamp === this.#stamp) return this.#values;
    try {
      const text = await Deno.readTextFile(this.#valuesPath);
      const values = mergeValues(defaultValues(), (parse(text) ?? {}) as PartialValues);
      const anchors = await readIfThere(this.#anchorsPath);
      if (anchors !== undefined) values.identityTrustAnchorsPEM = anchors;
      if (values.identityTrustAnchorsPEM === "") throw new Error("there are no trust anchors");
      this.#values = values;
      this.#stamp = stamp;
    } catch (error) {
      if (this.#values === undefined) throw error;
      console.error(`${this.#valuesPath} is not taken up: ${error}`);
    }
    return this.#values;
  }
}

function modified(path: string): string {
  try {
    const { mtime, ino, size } = Deno.statSync(path);
    return `${mtime?.getTime()}/${ino}/${size}`;
  } catch {
    return "none"; // Reading it will say why.
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
