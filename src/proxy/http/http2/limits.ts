/** What an HTTP/2 connection may cost, and what we tell the peer of it (RFC 9113 §6.5.2, §10.5). */

/** Streams a peer may have open at one time; beyond it REFUSED_STREAM. */
export const MAX_CONCURRENT_STREAMS = 1000;
/**
 * Streams of the first connection to a server that has not yet said how many it takes: no server should take fewer
 * (RFC 9113 §6.5.2), and one that is sent many more may end the connection (nginx).
 */
export const CAUTIOUS_STREAMS = 100;
/** Bytes of fields as RFC 9113 §6.5.2 counts them; beyond it 431. */
export const MAX_HEADER_LIST_BYTES = 32768;
/**
 * Bytes of a field block as it comes, in all its CONTINUATION frames (a slot): so much is decoded, for the table's sake,
 * though its list be too long; more ends the connection.
 */
export const MAX_BLOCK_BYTES = 65536;
/** CONTINUATION frames of one block. */
export const MAX_CONTINUATIONS = 32;
export const MAX_FIELDS = 128;
/** The protocol's own default and least maximum. */
export const MAX_FRAME_BYTES = 16384;
/** What a stream may send before we have passed it on: also the most we hold for one whose reader is slow. */
export const STREAM_WINDOW = 65535;
/** Credit is given on arrival: a stalled stream must not stall the others. */
export const CONNECTION_WINDOW = 4 << 20;
export const DEFAULT_WINDOW = 65535;
export const MAX_WINDOW = 0x7fffffff;
/** Frames of one connection in a turn of the loop; more wait for the next, so that many small ones hold up nobody. */
export const FRAMES_PER_EVENT = 1024;
/** Bytes that wait to be written: above, streams hold back theirs. */
export const OUTPUT_HIGH_WATER = 65536;
/** Above, the peer is not read any more: it does not read either. */
export const OUTPUT_PAUSE_BYTES = 262144;
/** A peer that is silent for so long while requests are open is asked whether it lives, and given up in time. */
export const PING_INTERVAL_MS = 10_000;
export const PING_TIMEOUT_MS = 3000;
/** A frame, or a field block of several, that is not whole so long after it began: its peer holds our memory for nothing. */
export const UNFINISHED_TIMEOUT_MS = 30_000;
/** How long a peer may take to say what it takes, where that must be known; then it is taken for one of HTTP/1. */
export const GREETING_TIMEOUT_MS = 1000;
/** How often it is looked whether streams that were given up can be reset now. */
export const RESET_PACE_MS = 50;
/** Streams of one connection that may wait for it; with more it takes no new ones. */
export const MAX_ABANDONED_STREAMS = 64;
/** Between "take nothing new" and the last stream that is served (RFC 9113 §6.8). */
export const GOAWAY_GRACE_MS = 1000;
/**
 * Things that cost us more than the peer (requests cancelled before their answer, empty frames, settings): so many at
 * once, and so many a second; beyond, the connection ends with ENHANCE_YOUR_CALM.
 */
export const NUISANCE_BURST = 1000;
export const NUISANCE_PER_SECOND = 200;
