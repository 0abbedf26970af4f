/** Flags of the small programs beside the proxy: `--name value` or `--name=value`, and nothing that is not known. */
import { UsageError } from "./options.ts";

/** @param known every flag with its default @throws UsageError naming the flag */
export function readFlags<K extends string>(
  args: readonly string[],
  known: Readonly<Record<K, string>>,
): Record<K, string> {
  const values: Record<string, string> = { ...known };
  for (let at = 0; at < args.length; at++) {
    const match = /^--([a-z-]+)(?:=(.*))?$/s.exec(args[at]!);
    const name = match?.[1] ?? "";
    if (!Object.hasOwn(known, name)) {
      throw new UsageError(
        `unknown argument ${JSON.stringify(args[at])}; there are ${
          Object.keys(known).map((each) => `--${each}`).join(" ")
        }`,
      );
    }
    const value = match?.[2] ?? args[++at];
    if (value === undefined) throw new UsageError(`flag --${name} needs a value`);
    values[name] = value;
  }
  return values as Record<K, string>;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `500ms`, `10s`, `2m`, `1m30s`. @returns milliseconds @throws UsageError */
export function durationFlag(text: string, flag: string): number {
  if (!/^(?:\d+(?:ms|s|m|h))+$/.test(text)) {
    throw new UsageError(`--${flag}: ${JSON.stringify(text)} is not a duration such as 10s or 2m`);
  }
  let sum = 0;
  for (const [, number, unit] of text.matchAll(/(\d+)(ms|s|m|h)/g)) sum += Number(number) * UNITS[unit!]!;
  return sum;
}

/** `1.1.1.1:20001`, `[fd00::1]:20001`. @throws UsageError */
export function addressFlag(text: string, flag: string): { hostname: string; port: number } {
  const match = /^(?:\[([0-9a-f:]+)\]|([^:[\]]+)):(\d{1,5})$/i.exec(text);
  const hostname = match?.[1] ?? match?.[2], port = Number(match?.[3]);
  if (hostname === undefined || port > 65535) {
    throw new UsageError(`--${flag}: ${JSON.stringify(text)} is not an address such as 1.1.1.1:20001`);
  }
  return { hostname, port };
}
