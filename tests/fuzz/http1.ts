/**
 * HTTP/1 streams, ours against llhttp. Whatever we accept, llhttp must accept as the same messages with the same bodies:
 * a difference is a smuggling hole. What we refuse and llhttp accepts must be one of the rules where we are stricter.
 * And pieces of any size must come to the same as the whole.
 */
import type { HeadView } from "../../src/wasm/head.ts";
import { Body, HeaderFlag, HeaderName, HeadFlag, Reason } from "../../src/wasm/http1.ts";
import type { Workbench } from "../../src/wasm/workbench.ts";
import { type OracleResult, parseWithLlhttp, REQUESTS, RESPONSES } from "./llhttp.ts";
import { requests, responses } from "./http1_messages.ts";
import { Random } from "./random.ts";
import { MAXIMUM_HEADERS, type OurResult, StreamReader } from "./stream.ts";
import type { Target } from "./target.ts";

/** Where we refuse more than llhttp does, on purpose. */
const STRICTER = new Set<Reason>([
  Reason.HeadTooLong,
  Reason.TooManyHeaders,
  Reason.TargetTooLong,
  Reason.TwoEmptyLines,
  Reason.BareCarriageReturn,
  Reason.BareLineFeed,
  Reason.BadRequestLine,
  Reason.BadVersion,
  Reason.UnsupportedVersion,
  Reason.BadTarget,
  Reason.BadAuthority,
  Reason.MissingHost,
  Reason.MultipleHosts,
  Reason.BadHost,
  Reason.RepeatedContentLength,
  Reason.BadContentLength,
  Reason.ContentLengthTooLarge,
  Reason.TransferEncodingInHttp10,
  Reason.ChunkedNotLast,
  Reason.UnsupportedTransferCoding,
  Reason.BadTransferEncoding,
  Reason.TransferEncodingForbidden,
  Reason.TooManyConnectionOptions,
  Reason.ConnectInHttp10,
  Reason.BodyForbidden,
  Reason.ChunkSizeTooLarge,
  Reason.BadChunkExtension,
  Reason.ForbiddenTrailer,
]);

/** In responses also. */
const STRICTER_IN_RESPONSES = new Set<Reason>([
  ...STRICTER,
  Reason.ChunkedNotLast,
  Reason.ControlCharacter,
  Reason.BadStatus,
]);

function same(what: string, ours: unknown, theirs: unknown, index: number): void {
  if (ours !== theirs) {
    throw new Error(
      `message ${index}: ${what} is ${JSON.stringify(ours)}, llhttp says ${JSON.stringify(theirs)}`,
    );
  }
}

/** Methods that llhttp does not know are refused by it; so are versions and statuses that we know how to treat. */
const LENIENT_ERRORS = new Set(["HPE_INVALID_METHOD", "HPE_CLOSED_CONNECTION", "HPE_PAUSED_H2_UPGRADE"]);

/** llhttp upgrades HTTP/1.0 as well, where RFC 9110 section 7.8 says that Upgrade must be ignored. */
function isOldUpgrade(head: HeadView): boolean {
  return head.version === 10 && head.headers.some(({ id }) => id === HeaderName.Upgrade);
}

/** llhttp reads Proxy-Connection like Connection; no RFC does. */
function isProxyUpgrade(head: HeadView): boolean {
  return head.headers.some(({ id }) => id === HeaderName.Upgrade) &&
    head.headers.some(({ id, value }) => id === HeaderName.ProxyConnection && /upgrade/i.test(value));
}

/** Interim responses that have a meaning. */
const KNOWN_INTERIM: ReadonlySet<number> = new Set([100, 101, 102, 103]);

/**
 * llhttp reads content after an interim response whose status it does not know and that says a length; RFC 9112 section 6.3
 * has none after any of them. The length does not go on with it (the parser marks it), so that no reader can differ.
 */
function isOddInterim({ status, headers }: HeadView): boolean {
  return status > 0 && status < 200 && !KNOWN_INTERIM.has(status) &&
    headers.some(({ id, flags }) => id === HeaderName.ContentLength && (flags & HeaderFlag.HopByHop) !== 0);
}

function compare(ours: OurResult, theirs: OracleResult, stricter: ReadonlySet<Reason>): void {
  if (ours.messages.some(({ head }) => isOldUpgrade(head) || isProxyUpgrade(head))) return;
  for (const [index, our] of ours.messages.entries()) {
    const their = theirs.messages[index];
    if (their === undefined) {
      if (LENIENT_ERRORS.has(theirs.error)) return;
      throw new Error(`message ${index} is none to llhttp: ${theirs.error || "no error"}`);
    }
    same("the target", our.head.target, their.target, index);
    same("the status", our.head.status, their.status, index);
    if (isOddInterim(our.head)) return;
    same("the number of headers", our.head.headers.length, their.headers.length, index);
    our.head.headers.forEach((header, place) => {
      same(`the name of header ${place}`, header.name, their.headers[place]?.[0], index);
      same(`the value of header ${place}`, header.value, their.headers[place]?.[1], index);
    });
    const isLast = index === ours.messages.length - 1;
    if (isLast && ours.isTunnel) break;
    if (our.isComplete) {
      same("the body", our.body, their.body, index);
      same("its completeness", true, their.isComplete, index);
    } else if (ours.reason === Reason.None && their.isComplete) {
      throw new Error(`message ${index} is complete to llhttp`);
    }
  }
  const refusedAt = ours.messages.length;
  const isOpen = ours.messages.at(-1)?.isComplete === false;
  const reached = isOpen
    ? theirs.messages[refusedAt - 1]?.isComplete
    : theirs.messages[refusedAt] !== undefined;
  if (ours.reason !== Reason.None && reached && !stricter.has(ours.reason)) {
    throw new Error(`refused for ${Reason[ours.reason]}, but llhttp accepts it`);
  }
}

/** A body that lasts until the end of the connection leaves nothing to compare after it. */
function hasOpenEnd(result: OurResult): boolean {
  return result.messages.some(({ head }) => head.body === Body.UntilClose);
}

function checkSpans(result: OurResult, length: number): void {
  for (const { head } of result.messages) {
    if (head.length <= 0 || head.length > length) {
      throw new Error(`a head of ${head.length} bytes out of ${length}`);
    }
    if (head.headers.length > MAXIMUM_HEADERS) throw new Error(`${head.headers.length} headers`);
    if (head.flags & HeadFlag.KeepAlive && head.flags & HeadFlag.Close) {
      throw new Error("both kept and closed");
    }
  }
}

export function http1Target(bench: Workbench, kind: "requests" | "responses"): Target {
  const isRequest = kind === "requests";
  const reader = new StreamReader(bench, isRequest);
  return {
    name: `http1-${kind}`,
    generate: isRequest ? requests : responses,
    check(input) {
      const whole = reader.read(input, [], !isRequest);
      const forwarded = reader.bytes(input.length); // our parser takes tabs from where they could be misread
      checkSpans(whole, input.length);
      const random = new Random(input.length);
      const cuts = Array.from({ length: random.below(6) }, () => random.below(input.length + 1)).sort((
        a,
        b,
      ) => a - b);
      for (const pieces of [cuts, Array.from(input, (_, index) => index)]) {
        const inPieces = reader.read(input, pieces, !isRequest);
        if (JSON.stringify(inPieces) !== JSON.stringify(whole)) {
          throw new Error(
            `in pieces cut at ${pieces} it is another: ${JSON.stringify(inPieces)}, not ${
              JSON.stringify(whole)
            }`,
          );
        }
      }
      const theirs = parseWithLlhttp(
        isRequest ? REQUESTS : RESPONSES,
        forwarded,
        !isRequest && hasOpenEnd(whole),
      );
      compare(whole, theirs, isRequest ? STRICTER : STRICTER_IN_RESPONSES);
    },
  };
}
