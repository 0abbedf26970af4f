/** llhttp, Node's HTTP/1 parser, as undici carries it: the oracle for heads, framing and bodies. */
import source from "undici/lib/llhttp/llhttp-wasm.js";

export interface Message {
  readonly method: number;
  /** Request-target; empty for responses. */
  readonly target: string;
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  readonly isComplete: boolean;
}

export interface OracleResult {
  /** In order; only the last may be incomplete. Its head is complete. */
  readonly messages: readonly Message[];
  /** llhttp's word for what is wrong, empty when nothing. */
  readonly error: string;
}

export const REQUESTS = 1;
export const RESPONSES = 2;
const PAUSED_UPGRADE = 22;

interface LlhttpExports {
  readonly memory: WebAssembly.Memory;
  malloc(size: number): number;
  free(pointer: number): void;
  llhttp_alloc(type: number): number;
  llhttp_free(parser: number): void;
  llhttp_execute(parser: number, data: number, length: number): number;
  llhttp_finish(parser: number): number;
  llhttp_get_errno(parser: number): number;
  llhttp_errno_name(error: number): number;
  llhttp_get_method(parser: number): number;
  llhttp_get_status_code(parser: number): number;
}

interface Building {
  method: number;
  target: string;
  status: number;
  headers: [string, string][];
  body: string;
  hasHead: boolean;
  isComplete: boolean;
  isInValue: boolean;
}

let current: Building | undefined;
let finished: Building[] = [];

function begin(): void {
  current = {
    method: 0,
    target: "",
    status: 0,
    headers: [],
    body: "",
    hasHead: false,
    isComplete: false,
    isInValue: true,
  };
  finished.push(current);
}

function text(at: number, length: number): string {
  const bytes = new Uint8Array(llhttp.memory.buffer, at, length);
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

const callbacks = {
  wasm_on_message_begin: () => {
    begin();
    return 0;
  },
  wasm_on_url: (_parser: number, at: number, length: number) => {
    if (current !== undefined) current.target += text(at, length);
    return 0;
  },
  wasm_on_status: () => 0,
  wasm_on_header_field: (_parser: number, at: number, length: number) => {
    if (current === undefined || current.hasHead) return 0;
    const last = current.headers.at(-1);
    if (current.isInValue || last === undefined) current.headers.push([text(at, length), ""]);
    else last[0] += text(at, length);
    current.isInValue = false;
    return 0;
  },
  wasm_on_header_value: (_parser: number, at: number, length: number) => {
    if (current === undefined || current.hasHead) return 0;
    const last = current.headers.at(-1);
    if (last !== undefined) last[1] += text(at, length);
    current.isInValue = true;
    return 0;
  },
  wasm_on_headers_complete: (parser: number) => {
    if (current === undefined) return 0;
    current.hasHead = true;
    current.method = llhttp.llhttp_get_method(parser);
    current.status = llhttp.llhttp_get_status_code(parser);
    return 0;
  },
  wasm_on_body: (_parser: number, at: number, length: number) => {
    if (current !== undefined) current.body += text(at, length);
    return 0;
  },
  wasm_on_message_complete: () => {
    if (current !== undefined) current.isComplete = true;
    return 0;
  },
};

const module = new WebAssembly.Module(source as unknown as BufferSource);
const llhttp = new WebAssembly.Instance(module, { env: callbacks }).exports as unknown as LlhttpExports;

function errorName(error: number): string {
  const at = llhttp.llhttp_errno_name(error);
  const bytes = new Uint8Array(llhttp.memory.buffer, at, 40);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

/** Parses a whole stream of messages, one after the other. */
export function parseWithLlhttp(kind: number, input: Uint8Array, isAtEnd: boolean): OracleResult {
  current = undefined;
  finished = [];
  const parser = llhttp.llhttp_alloc(kind);
  const data = llhttp.malloc(Math.max(input.length, 1));
  new Uint8Array(llhttp.memory.buffer, data, input.length).set(input);
  let error = llhttp.llhttp_execute(parser, data, input.length);
  if (error === 0 && isAtEnd) error = llhttp.llhttp_finish(parser);
  llhttp.free(data);
  llhttp.llhttp_free(parser);
  const messages = finished.filter(({ hasHead }) => hasHead).map((message) => ({
    ...message,
    headers: message.headers.map(([name, value]) => [name, value.replace(/[ \t]+$/, "")] as const),
  }));
  return { messages, error: error === 0 || error === PAUSED_UPGRADE ? "" : errorName(error) };
}
