/** The HTTP/1 side of asm/: constants of its records, and what each refusal means to people and to a peer. */
import { Head, HeaderEntry } from "../../asm/http1/layout.ts";

export {
  Body,
  Head,
  HeaderEntry,
  HeaderFlag,
  HeadFlag,
  Method,
  Outcome,
  TargetForm,
} from "../../asm/http1/layout.ts";
export { HeaderName } from "../../asm/http1/names.ts";
export { Reason } from "../../asm/http1/reason.ts";
export { Chunked } from "../../asm/http1/chunked_layout.ts";

/** Bytes of a head record for `maxHeaders` header lines. */
export function headRecordBytes(maxHeaders: number): number {
  return (Head.Headers + maxHeaders * HeaderEntry.Words) * 4;
}
