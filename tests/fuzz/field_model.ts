/** When a list of fields is a message by RFC 9113 section 8, said once more in other words than the decoder's. */
import { BlockKind } from "../../src/wasm/http2.ts";
import type { ModelField } from "./hpack_model.ts";

export interface ModelMessage {
  readonly pseudo: ReadonlyMap<string, string>;
  readonly fields: readonly ModelField[];
  readonly isGood: boolean;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const LOWER_TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
const PATH = /^\/[\x21\x22\x24-\x7e]*$/;
const AUTHORITY =
  /^(?:\[[0-9a-fA-F:.]{2,}\]|(?:[-._~!$&'()*+,;=0-9A-Za-z]|%[0-9a-fA-F]{2})+)(?::(0*\d{1,5})?)?$/;
const CONNECTION = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);
const OF_REQUESTS = new Set([":method", ":scheme", ":path", ":authority", ":protocol"]);

function portOf(authority: string): number | undefined {
  const found = AUTHORITY.exec(authority);
  if (found === null) return undefined;
  const port = found[1] === undefined ? -1 : Number(found[1]);
  return port > 65535 ? undefined : port;
}

function isRequest(pseudo: ReadonlyMap<string, string>, host: string | undefined): boolean {
  const method = pseudo.get(":method"), path = pseudo.get(":path"), scheme = pseudo.get(":scheme");
  const authority = pseudo.get(":authority") ?? "", protocol = pseudo.get(":protocol");
  if (method === undefined || !TOKEN.test(method)) return false;
  if (protocol !== undefined && (method !== "CONNECT" || !TOKEN.test(protocol))) return false;
  if (authority !== "" && portOf(authority) === undefined) return false;
  if (method === "CONNECT" && protocol === undefined) {
    if (path !== undefined || scheme !== undefined || (portOf(authority) ?? -1) <= 0) return false;
  } else {
    if (path === undefined || scheme === undefined || !LOWER_TOKEN.test(scheme)) return false;
    if (!PATH.test(path) && !(path === "*" && method === "OPTIONS")) return false;
  }
  if (host === undefined || host === "") return host === undefined || authority === "";
  if (authority === "") return portOf(host) !== undefined;
  return host.toLowerCase() === authority.toLowerCase();
}

function isStatus(pseudo: ReadonlyMap<string, string>): boolean {
  const status = pseudo.get(":status") ?? "";
  return /^[1-9]\d\d$/.test(status) && status !== "101";
}

function isField({ name, value }: ModelField, kind: BlockKind): boolean {
  if (!LOWER_TOKEN.test(name) || CONNECTION.has(name)) return false;
  if (name === "te") return value.toLowerCase() === "trailers";
  if (name !== "content-length") return true;
  return kind !== BlockKind.Trailers && /^\d+$/.test(value) && Number(value) <= Number.MAX_SAFE_INTEGER;
}

/** Sorts a decoded list into pseudo-header fields and others, and judges it. */
export function judge(list: readonly ModelField[], kind: BlockKind): ModelMessage {
  const pseudo = new Map<string, string>();
  const fields: ModelField[] = [];
  let isGood = list.every(({ value }) => VALUE.test(value));
  for (const field of list) {
    const { name, value } = field;
    if (!name.startsWith(":")) {
      fields.push(field);
      isGood &&= isField(field, kind);
      continue;
    }
    const isKnown = kind === BlockKind.Request ? OF_REQUESTS.has(name) : name === ":status";
    isGood &&= isKnown && kind !== BlockKind.Trailers && fields.length === 0 && !pseudo.has(name);
    if (!pseudo.has(name)) pseudo.set(name, value);
  }
  const count = (wanted: string) => fields.filter(({ name }) => name === wanted).length;
  isGood &&= count("content-length") <= 1 && (kind !== BlockKind.Request || count("host") <= 1);
  const host = fields.find(({ name }) => name === "host")?.value;
  if (kind === BlockKind.Request) isGood &&= isRequest(pseudo, host);
  if (kind === BlockKind.Response) isGood &&= isStatus(pseudo);
  return { pseudo, fields, isGood };
}
