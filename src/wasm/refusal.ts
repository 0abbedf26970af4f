/** What a refused HTTP/1 message is answered with, and the sentence for the log. */
import { Reason } from "../../asm/http1/reason.ts";

export interface Refusal {
  /** The status for the client that sent it. A response that is refused is a 502 to the client, whatever stands here. */
  readonly status: 400 | 414 | 431 | 501 | 505;
  /** Stable word for metrics and logs. */
  readonly code: string;
  readonly text: string;
}

function refusal(status: Refusal["status"], code: string, text: string): Refusal {
  return { status, code, text };
}

const refusals: Readonly<Record<Exclude<Reason, Reason.None>, Refusal>> = {
  [Reason.HeadTooLong]: refusal(431, "head-too-long", "the head is longer than allowed"),
  [Reason.TooManyHeaders]: refusal(431, "too-many-headers", "there are more header lines than allowed"),
  [Reason.TargetTooLong]: refusal(414, "target-too-long", "the request target is longer than allowed"),
  [Reason.BareCarriageReturn]: refusal(400, "bare-cr", "a CR is not followed by LF"),
  [Reason.BareLineFeed]: refusal(400, "bare-lf", "a LF does not follow a CR"),
  [Reason.ControlCharacter]: refusal(
    400,
    "control-character",
    "a line holds NUL or another control character",
  ),
  [Reason.BadMethod]: refusal(400, "bad-method", "the method is not a token"),
  [Reason.BadTarget]: refusal(400, "bad-target", "the request target has none of the four forms"),
  [Reason.BadRequestLine]: refusal(
    400,
    "bad-request-line",
    "the request line is not method, target and version",
  ),
  [Reason.BadVersion]: refusal(400, "bad-version", "the line does not name an HTTP version"),
  [Reason.UnsupportedVersion]: refusal(505, "unsupported-version", "neither HTTP/1.1 nor HTTP/1.0"),
  [Reason.ObsoleteFold]: refusal(400, "obs-fold", "a header line begins with white space"),
  [Reason.SpaceBeforeColon]: refusal(
    400,
    "space-before-colon",
    "white space stands between header name and colon",
  ),
  [Reason.EmptyName]: refusal(400, "empty-name", "a header line begins with its colon"),
  [Reason.BadName]: refusal(400, "bad-name", "a header name is not a token"),
  [Reason.NoColon]: refusal(400, "no-colon", "a header line has no colon"),
  [Reason.MissingHost]: refusal(400, "missing-host", "an HTTP/1.1 request has no Host"),
  [Reason.MultipleHosts]: refusal(400, "multiple-hosts", "there is more than one Host"),
  [Reason.BadHost]: refusal(400, "bad-host", "Host is not a name or address with an optional port"),
  [Reason.BadAuthority]: refusal(
    400,
    "bad-authority",
    "the target's authority is not a host with an optional port",
  ),
  [Reason.RepeatedContentLength]: refusal(
    400,
    "repeated-content-length",
    "Content-Length is given more than once",
  ),
  [Reason.BadContentLength]: refusal(400, "bad-content-length", "Content-Length is not a decimal number"),
  [Reason.ContentLengthTooLarge]: refusal(400, "content-length-too-large", "Content-Length is 2^53 or more"),
  [Reason.TransferEncodingAndContentLength]: refusal(
    400,
    "te-and-cl",
    "both Transfer-Encoding and Content-Length are given",
  ),
  [Reason.TransferEncodingInHttp10]: refusal(400, "te-in-http10", "HTTP/1.0 has no Transfer-Encoding"),
  [Reason.ChunkedNotLast]: refusal(
    400,
    "chunked-not-last",
    "chunked is repeated or is not the last transfer coding",
  ),
  [Reason.UnsupportedTransferCoding]: refusal(
    501,
    "unsupported-coding",
    "a transfer coding other than chunked",
  ),
  [Reason.BadTransferEncoding]: refusal(
    400,
    "bad-transfer-encoding",
    "Transfer-Encoding is not a list of codings",
  ),
  [Reason.TransferEncodingForbidden]: refusal(
    400,
    "te-forbidden",
    "a 1xx or 204 response has Transfer-Encoding",
  ),
  [Reason.TooManyConnectionOptions]: refusal(
    400,
    "too-many-options",
    "Connection names more than 64 options",
  ),
  [Reason.ConnectInHttp10]: refusal(400, "connect-in-http10", "CONNECT needs HTTP/1.1"),
  [Reason.BadStatusLine]: refusal(
    400,
    "bad-status-line",
    "the status line is not version, status and phrase",
  ),
  [Reason.BadStatus]: refusal(400, "bad-status", "the status is not three digits from 100 to 999"),
  [Reason.TwoEmptyLines]: refusal(400, "empty-lines", "more than one empty line precedes the request line"),
  [Reason.BodyForbidden]: refusal(400, "body-forbidden", "a CONNECT request has a body"),
  [Reason.BadChunkSize]: refusal(400, "bad-chunk-size", "a chunk size is not a hexadecimal number"),
  [Reason.ChunkSizeTooLarge]: refusal(
    400,
    "chunk-too-large",
    "a chunk size is 2^53 or more, or has over 16 digits",
  ),
  [Reason.BadChunkExtension]: refusal(
    400,
    "bad-chunk-extension",
    "a chunk extension is not a name with an optional value",
  ),
  [Reason.ChunkExtensionsTooLong]: refusal(
    400,
    "chunk-extensions-too-long",
    "chunk extensions exceed their limit",
  ),
  [Reason.BadChunkEnd]: refusal(400, "bad-chunk-end", "chunk data is not followed by CRLF"),
  [Reason.TrailersTooLong]: refusal(431, "trailers-too-long", "the trailer section is longer than allowed"),
  [Reason.ForbiddenTrailer]: refusal(400, "forbidden-trailer", "a trailer would change framing or routing"),
};

const unknown = refusal(400, "malformed", "the message is malformed");

/** What a `Reason` means. */
export function refusalOf(reason: Reason): Refusal {
  return reason === Reason.None ? unknown : refusals[reason] ?? unknown;
}
