/**
 * The routes of ServiceProfiles, by which the server's side counts its requests too (`route_*` with direction="inbound").
 * A peer's proxy says by `l5d-dst-canonical` whose profile that is; else whom the request is for does. A profile is asked
 * for with the first request for its service, which does not wait for it.
 * Source: proxy.md §2 (inbound HTTP, stage 13), §7; protocol-api.md §7.
 */
import { Head, HeaderEntry, HeaderName } from "../../wasm/http1.ts";
import { canonicalName } from "../config/name_suffixes.ts";
import type { NamedTarget, ProfileRoutes, Watch } from "../control/plane.ts";
import { headerEntry } from "../http/record.ts";
import type { DropMask } from "../http/pipeline.ts";
import type { FailureClasses } from "../route/retry_policy.ts";
import { RouteTable } from "../route/route_table.ts";
import type { Runtime } from "../runtime.ts";
import { WholeRequest } from "../telemetry/profile_series.ts";
import type { Counted } from "../telemetry/route_series.ts";

/** A workload is part of a few services; whoever asks for more names than that is not asking for it. */
const MAX_PROFILES = 64;
/** The longest name of DNS, and a port. */
const MAX_LENGTH = 253 + 1 + 1 + 5;
const HTTP_PORT = 80;
const NO_BYTES = new Uint8Array();

/** What one route of a profile makes of the requests that it takes. */
export interface ProfiledRoute {
  /** Where they are counted. */
  readonly series: Counted;
  /** What counts as a failure. */
  readonly failures: FailureClasses;
}

interface Profile {
  readonly watch: Watch;
  /** Undefined: it has no routes, or nobody has said yet. */
  readonly table: RouteTable<ProfiledRoute> | undefined;
  lastUsed: number;
}

/** `web.shop.svc.cluster.local:80`, or without its port. Undefined: no name. */
function targetOf(text: string): NamedTarget | undefined {
  const [, host = "", port = HTTP_PORT] = /^(.*?)(?::([0-9]{1,5}))?$/.exec(text) ?? [],
    name = canonicalName(host);
  return name === undefined || Number(port) > 65535 ? undefined : { name, port: Number(port) };
}

export class ServiceProfiles {
  readonly #profiles = new Map<string, Profile>();
  readonly #shortest: number;
  /** The name that was looked for last, and what was found: mostly the next request has the same. */
  #latestName: Uint8Array = NO_BYTES;
  #latest: Profile | undefined;

  constructor(private readonly runtime: Runtime, private readonly drops: DropMask) {
    this.#shortest = runtime.config.profileSuffixes.shortest;
  }

  /**
   * The route that takes the request in the record (offsets from `at`); undefined: it is in no profile.
   * @param isMeshed a proxy of the mesh has sent it, whose word is taken for whom it is for
   */
  find(at: number, isMeshed: boolean): ProfiledRoute | undefined {
    const { arena, loop } = this.runtime, { words } = arena.memory, record = arena.recordAt >> 2;
    const entry = isMeshed ? headerEntry(arena, HeaderName.L5dDstCanonical) : -1;
    const from = at + words[entry < 0 ? record + Head.AuthorityOffset : entry + HeaderEntry.ValueOffset]!;
    const length = words[entry < 0 ? record + Head.AuthorityLength : entry + HeaderEntry.ValueLength]!;
    if (length < this.#shortest || length > MAX_LENGTH) return undefined;
    if (!this.#isLatest(from, length)) this.#look(from, length);
    const profile = this.#latest;
    if (profile === undefined) return undefined;
    profile.lastUsed = loop.now;
    return profile.table?.find(arena, at, this.drops);
  }

  #isLatest(from: number, length: number): boolean {
    const name = this.#latestName, { bytes } = this.runtime.arena.memory;
    if (name.length !== length) return false;
    for (let i = 0; i < length; i++) if (name[i] !== bytes[from + i]) return false;
    return true;
  }

  #look(from: number, length: number): void {
    const { arena, config } = this.runtime, text = arena.readAscii(from, length), target = targetOf(text);
    this.#latestName = arena.memory.bytes.slice(from, from + length);
    const isCovered = target !== undefined && config.profileSuffixes.covers(target.name);
    this.#latest = isCovered ? this.#profiles.get(text) ?? this.#watch(text, target) : undefined;
  }

  /** @returns undefined when too many are watched already */
  #watch(text: string, target: NamedTarget): Profile | undefined {
    const { control, loop } = this.runtime;
    if (this.#profiles.size >= MAX_PROFILES) return undefined;
    const profile: { -readonly [Key in keyof Profile]: Profile[Key] } = {
      watch: control.watchProfile(target, (routes) => profile.table = this.#compile(routes)),
      table: undefined,
      lastUsed: loop.now,
    };
    this.#profiles.set(text, profile);
    loop.wakeControl();
    return profile;
  }

  #compile(routes: ProfileRoutes | undefined): RouteTable<ProfiledRoute> | undefined {
    const { telemetry } = this.runtime;
    return routes && new RouteTable(routes.map(({ hosts, rules }) => ({
      hosts,
      rules: rules.map(({ matches, target }) => ({
        matches,
        target: {
          series: new WholeRequest(undefined, telemetry.profileSeries(target, "inbound").whole),
          failures: target.failures,
        },
      })),
    })));
  }

  /** Lets go of what nobody has asked for since `before` (microseconds). */
  forgetIdle(before: number): void {
    for (const [text, profile] of this.#profiles) {
      if (profile.lastUsed >= before) continue;
      profile.watch.cancel();
      this.#profiles.delete(text);
    }
    this.#latestName = NO_BYTES;
    this.#latest = undefined;
  }
}
