/**
 * A parsed head as an ordinary object. For tests, taps and error pages: the request path reads the record's words
 * itself and makes no strings.
 */
import type { LinearMemory } from "../linux/memory.ts";
import { Head, HeaderEntry } from "./http1.ts";

export interface HeaderView {
  readonly name: string;
  readonly value: string;
  readonly id: number;
  readonly flags: number;
}

export interface HeadView {
  readonly length: number;
  readonly method: number;
  readonly methodText: string;
  readonly target: string;
  readonly form: number;
  readonly scheme: string;
  /** Of an extended CONNECT; else empty. */
  readonly protocol: string;
  readonly path: string;
  readonly pathOnly: string;
  readonly authority: string;
  readonly authorityName: string;
  readonly port: number;
  /** Undefined when there is no Host. */
  readonly host: string | undefined;
  readonly version: number;
  readonly body: number;
  readonly contentLength: number;
  readonly flags: number;
  readonly status: number;
  readonly phrase: string;
  readonly headers: readonly HeaderView[];
}

/** Bytes of `memory` as a string, one character per byte (field values may hold any byte from 0x80 on). */
export function latin1(memory: LinearMemory, offset: number, length: number): string {
  let text = "";
  for (let index = 0; index < length; index++) text += String.fromCharCode(memory.bytes[offset + index] ?? 0);
  return text;
}

/** Reads the record at `record` of a head that began at `at`. */
export function viewHead(memory: LinearMemory, at: number, record: number): HeadView {
  const base = record >> 2;
  const word = (index: number) => memory.words[base + index] ?? 0;
  const span = (offset: Head, length: Head) => latin1(memory, at + word(offset), word(length));
  const headers: HeaderView[] = [];
  for (let index = 0; index < word(Head.HeaderCount); index++) {
    const entry = Head.Headers + index * HeaderEntry.Words;
    const name = latin1(
      memory,
      at + word(entry + HeaderEntry.NameOffset),
      word(entry + HeaderEntry.NameLength),
    );
    const value = latin1(
      memory,
      at + word(entry + HeaderEntry.ValueOffset),
      word(entry + HeaderEntry.ValueLength),
    );
    headers.push({ name, value, id: word(entry + HeaderEntry.Id), flags: word(entry + HeaderEntry.Flags) });
  }
  return {
    length: word(Head.Length),
    method: word(Head.Method),
    methodText: span(Head.MethodOffset, Head.MethodLength),
    target: span(Head.TargetOffset, Head.TargetLength),
    form: word(Head.TargetForm),
    scheme: span(Head.SchemeOffset, Head.SchemeLength),
    protocol: span(Head.ProtocolOffset, Head.ProtocolLength),
    path: span(Head.PathOffset, Head.PathLength),
    pathOnly: span(Head.PathOffset, Head.PathOnlyLength),
    authority: span(Head.AuthorityOffset, Head.AuthorityLength),
    authorityName: span(Head.AuthorityOffset, Head.AuthorityNameLength),
    port: word(Head.AuthorityPort),
    host: word(Head.HostLength) < 0 ? undefined : span(Head.HostOffset, Head.HostLength),
    version: word(Head.Version),
    body: word(Head.Body),
    contentLength: memory.doubles[(record >> 3) + (Head.ContentLength >> 1)] ?? 0,
    flags: word(Head.Flags),
    status: word(Head.Status),
    phrase: span(Head.PhraseOffset, Head.PhraseLength),
    headers,
  };
}
