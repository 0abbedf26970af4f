/** What a case of the request tables is, and short ways to write one. */

/** What the application must have been asked, where that matters. */
export interface Seen {
  readonly start: string;
  readonly body?: string;
  /** Fields as the application must see them; undefined: none of that name. */
  readonly fields?: Readonly<Record<string, string | undefined>>;
  readonly trailers?: Readonly<Record<string, string | undefined>>;
}

export type Outcome =
  /** Answered with this status, the connection ends, and the application was sent not one byte. */
  | { readonly kind: "refused"; readonly status: number }
  /** The head was well and may have been forwarded, but the application never has a whole request of it. */
  | { readonly kind: "broken"; readonly status: number }
  /** The application sees these requests and no other, each with one framing; all are answered 200. */
  | { readonly kind: "forwarded"; readonly seen: readonly Seen[]; readonly then?: number };

export interface Case {
  /** Of RFC 9112; others say so. */
  readonly clause: string;
  readonly name: string;
  readonly send: string;
  readonly expect: Outcome;
}

/** Follows what is refused: what a smuggler wants to get through. */
export const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: web\r\n\r\n";
export const HOST = "Host: web\r\n";

/** Refused; a request follows that must never be seen. */
export function refused(clause: string, name: string, send: string, status = 400): Case {
  return { clause, name, send: send + SMUGGLED, expect: { kind: "refused", status } };
}

/** Breaks in its body. */
export function broken(clause: string, name: string, send: string, status = 400): Case {
  return { clause, name, send: send + SMUGGLED, expect: { kind: "broken", status } };
}

export function forwarded(clause: string, name: string, send: string, ...seen: readonly Seen[]): Case {
  return { clause, name, send, expect: { kind: "forwarded", seen } };
}

/** A GET with these lines besides Host. */
export const get = (lines: string): string => `GET /a HTTP/1.1\r\n${HOST}${lines}\r\n`;
/** A POST with these lines besides Host, and what follows its head. */
export const post = (lines: string, body = ""): string => `POST /a HTTP/1.1\r\n${HOST}${lines}\r\n${body}`;
export const GOT: Seen = { start: "GET /a HTTP/1.1" };
export const posted = (body: string): Seen => ({ start: "POST /a HTTP/1.1", body });
