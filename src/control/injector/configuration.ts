/** The installation's values with the trust anchors as they are now, from where they can be had soonest. */
import { parse } from "yaml";
import { defaultValues, mergeValues, type PartialValues, type Values } from "../../mesh/values.ts";

export interface ConfigTexts {
  /** YAML of ConfigMap linkerd-config. */
  readonly values: string;
  /** PEM; undefined: those that the values have. */
  readonly anchors: string | undefined;
}

export interface ConfigSource {
  /** What is named in complaints. */
  readonly name: string;
  /** Changes with the texts; undefined while there are none. */
  stamp(): string | undefined;
  texts(): Promise<ConfigTexts>;
}

/** Reads again whenever the texts have changed; what cannot be read leaves the last good values. */
export class Configuration {
  #stamp = "";
  #values: Values | undefined;

  /** @param sources the first that has texts is asked */
  constructor(private readonly sources: readonly ConfigSource[]) {}

  /** @throws what the source throws, while there are no good values yet */
  async read(): Promise<Values> {
    for (const source of this.sources) {
      const stamp = source.stamp();
      if (stamp === undefined) continue;
      if (this.#values !== undefined && this.#stamp === `${source.name} ${stamp}`) return this.#values;
      try {
        this.#values = valuesOf(await source.texts());
        this.#stamp = `${source.name} ${stamp}`;
      } catch (error) {
        if (this.#values === undefined) throw error;
        console.error(`${source.name} is not taken up: ${error}`);
      }
      break;
    }
    if (this.#values === undefined) throw new Error("there is no configuration");
    return this.#values;
  }
}

function valuesOf(texts: ConfigTexts): Values {
  const values = mergeValues(defaultValues(), (parse(texts.values) ?? {}) as PartialValues);
  if (texts.anchors !== undefined) values.identityTrustAnchorsPEM = texts.anchors;
  if (values.identityTrustAnchorsPEM === "") throw new Error("there are no trust anchors");
  return values;
}
