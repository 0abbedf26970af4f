/** The limits of HTTP/1 heads, each with the status a client gets beyond it (src/wasm/refusal.ts). */

/** Bytes of a head, start line included: 431. */
export const MAX_HEAD_BYTES = 32768;
/** Bytes of a request-target: 414. */
export const MAX_TARGET_BYTES = 16384;
/** Header lines: 431. */
export const MAX_HEADERS = 128;
/** Bytes of an Upgrade's value, or of an authority that Host disagrees with, which are written a second time: 431. */
export const MAX_REPEATED_BYTES = 1024;
/** From the first byte of a head to its last; a client that takes longer is closed. */
export const HEAD_TIMEOUT_MS = 30_000;
/** How long an idle connection may still bring a request when the proxy shuts down. */
export const DRAIN_GRACE_MS = 1000;
/** A request up to this size is kept until its response begins, so that it can be sent a second time. */
export const MAX_REPLAY_BYTES = 16384;
/** Times a request is sent to another endpoint after one that it never reached. */
export const MAX_ATTEMPTS = 4;
