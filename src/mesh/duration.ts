/**
 * Durations, in the two spellings users of the mesh write: Go's (`1h2m3.5s`, `24h0m0s`) and the proxy's
 * (`10s`, `100ms`, `365d`: one integer and one unit). In the program they are milliseconds.
 */

const GO_UNITS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  "μs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const PROXY_UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** @returns milliseconds, or undefined when `text` is not a Go duration */
export function parseGoDuration(text: string): number | undefined {
  const match = /^([-+]?)(.+)$/.exec(text.trim());
  if (match === null) return undefined;
  const [, sign, body] = match as unknown as [string, string, string];
  if (body === "0") return 0;
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(body)) return undefined;
  let total = 0;
  for (const [, number, unit] of body.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    total += Number(number) * GO_UNITS[unit!]!;
  }
  return sign === "-" ? -total : total;
}

/** As Go prints a time.Duration: `24h0m0s`, `1m30s`, `1.5s`, `250ms`, `0s`. */
export function formatGoDuration(milliseconds: number): string {
  if (milliseconds === 0) return "0s";
  const sign = milliseconds < 0 ? "-" : "";
  const size = Math.abs(milliseconds);
  if (size < 1) {
    const micro = Math.round(size * 1e6) / 1e3;
    return micro < 1 ? `${sign}${Math.round(size * 1e6)}ns` : `${sign}${micro}µs`;
  }
  if (size < 1000) return `${sign}${size}ms`;
  const hours = Math.floor(size / 3_600_000);
  const minutes = Math.floor(size / 60_000) % 60;
  const seconds = (size % 60_000) / 1000;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`;
}

/** @returns milliseconds, or undefined when `text` is not an integer with one of ms, s, m, h, d (or a bare 0) */
export function parseProxyDuration(text: string): number | undefined {
  const match = /^(\d+)(ms|s|m|h|d)?$/.exec(text.trim());
  if (match === null) return undefined;
  const number = Number(match[1]);
  if (match[2] === undefined) return number === 0 ? 0 : undefined;
  return number * PROXY_UNITS[match[2]]!;
}

/** Milliseconds in the proxy's spelling, in the largest unit that loses nothing; fractions are rounded. */
export function formatProxyDuration(milliseconds: number): string {
  const whole = Math.round(milliseconds);
  for (const unit of ["h", "m", "s"] as const) {
    if (whole !== 0 && whole % PROXY_UNITS[unit]! === 0) return `${whole / PROXY_UNITS[unit]!}${unit}`;
  }
  return `${whole}ms`;
}

/** A time window as `stat -t` takes it: like Prometheus, so with d, w and y too. */
export function parseWindow(text: string): number | undefined {
  const match = /^(\d+)(ms|s|m|h|d|w|y)$/.exec(text.trim());
  if (match === null) return undefined;
  const units: Record<string, number> = { ...PROXY_UNITS, w: 7 * 86_400_000, y: 365 * 86_400_000 };
  return Number(match[1]) * units[match[2]!]!;
}
