/**
 * A node's network configurations, as text: which one counts, and the plugin's entry in it. Pure functions over names
 * and contents, so that everything other installers leave behind can be tried.
 *
 * Source: CNI specification 1.1.0, section 1; container runtimes take the first file by name.
 */
import { PLUGIN } from "./names.ts";

/** A plugin's entry. */
export type PluginEntry = Readonly<Record<string, unknown>> & { readonly type: string };

interface NetworkList {
  readonly cniVersion?: string;
  readonly name?: string;
  readonly plugins: readonly PluginEntry[];
}

const SUFFIXES = [".conflist", ".conf", ".json"] as const;

/** The configuration that container runtimes use: the first by name. Undefined where there is none. */
export function activeConfiguration(names: Iterable<string>): string | undefined {
  return [...names].filter((name) => SUFFIXES.some((suffix) => name.endsWith(suffix))).sort()[0];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Undefined for what is being written, or is none. */
function parseList(text: string): NetworkList | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // a file half written by another installer: it is read again when it changes
  }
  if (!isRecord(value)) return undefined;
  if (Array.isArray(value["plugins"])) return value as unknown as NetworkList;
  if (typeof value["type"] !== "string") return undefined;
  // One plugin on its own: the list it stands for.
  const { cniVersion, name, ...plugin } = value as Record<string, unknown> & PluginEntry;
  return {
    ...(typeof cniVersion === "string" ? { cniVersion } : {}),
    ...(typeof name === "string" ? { name } : {}),
    plugins: [plugin as PluginEntry],
  };
}

function format(list: NetworkList): string {
  return JSON.stringify(list, null, 2) + "\n";
}

/**
 * The configuration with the plugin's entry at its end, once.
 * @returns the same text where it is there already; undefined where the text is no configuration (yet)
 */
export function withPlugin(text: string, entry: PluginEntry): string | undefined {
  const list = parseList(text);
  if (list === undefined) return undefined;
  const last = list.plugins.at(-1);
  if (last?.type === PLUGIN && JSON.stringify(last) === JSON.stringify(entry) && text.includes('"plugins"')) {
    const others = list.plugins.slice(0, -1);
    if (!others.some(({ type }) => type === PLUGIN)) return text;
  }
  return format({ ...list, plugins: [...list.plugins.filter(({ type }) => type !== PLUGIN), entry] });
}

/** The configuration without the plugin; the same text where it is not in it. */
export function withoutPlugin(text: string): string {
  const list = parseList(text);
  if (list === undefined || !list.plugins.some(({ type }) => type === PLUGIN)) return text;
  return format({ ...list, plugins: list.plugins.filter(({ type }) => type !== PLUGIN) });
}

/** Whether a configuration calls the plugin. */
export function callsPlugin(text: string): boolean {
  return parseList(text)?.plugins.some(({ type }) => type === PLUGIN) ?? false;
}
