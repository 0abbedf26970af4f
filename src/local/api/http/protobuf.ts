/**
 * Reads bodies in Kubernetes' protobuf form (`application/vnd.kubernetes.protobuf`), as kubectl and other Go clients
 * send them for built-in kinds; answers are JSON, which those clients take too.
 *
 * Field numbers are in schema/fields.json (tools/builtin_fields.ts). Kinds that are not there, among them
 * CustomResourceDefinition, are refused with 415.
 *
 * Source: k8s.io/apimachinery/pkg/runtime/serializer/protobuf.
 */
import { KubeError } from "../../../kube/client.ts";
import { badRequest } from "../errors.ts";
import { type Fields, setOwn } from "../object.ts";
import fieldsText from "../schema/fields.json" with { type: "text" };

interface Field {
  name: string;
  isInlined: boolean;
  keepsZero: boolean;
  container: "" | "[]" | "{}";
  type: string;
}

let texts: Record<string, string[]> | undefined;
const parsed = new Map<string, Map<number, Field>>();

function fieldsOf(type: string): Map<number, Field> {
  let fields = parsed.get(type);
  if (fields !== undefined) return fields;
  texts ??= JSON.parse(fieldsText) as Record<string, string[]>;
  fields = new Map();
  parsed.set(type, fields);
  for (const text of texts[type] ?? []) {
    const [number = "", name = "", code = ""] = text.split(" ");
    const match = /^(\*?)(\[\]|\{\})?(.*)$/.exec(code)!;
    fields.set(Number(number), {
      name,
      isInlined: name === "<",
      keepsZero: match[1] === "*",
      container: (match[2] ?? "") as Field["container"],
      type: match[3]!,
    });
  }
  return fields;
}

const MAGIC = [0x6b, 0x38, 0x73, 0x00];

/** Group of an apiVersion → its package among the field numbers. */
function packageOf(apiVersion: string): string {
  if (apiVersion === "v1") return "core/v1";
  if (apiVersion.startsWith("meta.k8s.io/")) return "meta/v1";
  const [group = "", version = ""] = apiVersion.split("/");
  return `${group.replace(/\.k8s\.io$/, "").replace(/\.authorization$/, "")}/${version}`;
}

/** @throws KubeError 400, 415 */
export function decodeProtobuf(bytes: Uint8Array): unknown {
  if (MAGIC.some((byte, index) => bytes[index] !== byte)) {
    throw badRequest("the body of the request does not begin like Kubernetes' protobuf");
  }
  let apiVersion = "";
  let kind = "";
  let raw: Uint8Array = new Uint8Array();
  try {
    for (const { number, bytes: content } of readMessage(bytes.subarray(4))) {
      if (number === 1) {
        for (const part of readMessage(content)) {
          if (part.number === 1) apiVersion = decodeText(part.bytes);
          if (part.number === 2) kind = decodeText(part.bytes);
        }
      } else if (number === 2) raw = content;
    }
    const isOptions = kind === "DeleteOptions";
    const type = `${isOptions ? "meta/v1" : packageOf(apiVersion)}.${kind}`;
    if (fieldsOf(type).size === 0) {
      throw new KubeError(
        415,
        "UnsupportedMediaType",
        `${apiVersion} ${kind} is read as application/json or application/yaml only, not as protobuf`,
      );
    }
    return { apiVersion, kind, ...decodeMessage(type, raw) };
  } catch (error) {
    if (error instanceof KubeError) throw error;
    throw badRequest(
      `the body of the request is no protobuf of ${kind || "any kind"}: ${(error as Error).message}`,
    );
  }
}

interface Part {
  number: number;
  /** Of wire type 2; empty otherwise. */
  bytes: Uint8Array;
  /** Of the other wire types. */
  value: number;
}

const NOTHING = new Uint8Array();

function* readMessage(bytes: Uint8Array): Generator<Part> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n;; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 63n) throw new Error("a number is cut off");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        yield { number, bytes: NOTHING, value: Number(BigInt.asIntN(64, varint())) };
        break;
      case 1:
        yield { number, bytes: NOTHING, value: view.getFloat64(at, true) };
        at += 8;
        break;
      case 2: {
        const size = Number(varint());
        if (at + size > bytes.length) throw new Error("a field is cut off");
        yield { number, bytes: bytes.subarray(at, at + size), value: 0 };
        at += size;
        break;
      }
      case 5:
        yield { number, bytes: NOTHING, value: view.getFloat32(at, true) };
        at += 4;
        break;
      default:
        throw new Error(`a field has the wire type ${tag % 8}`);
    }
  }
}

/** Nesting that no honest object has. */
const DEPTH_LIMIT = 60;

function decodeMessage(type: string, bytes: Uint8Array, depth = 0): Fields {
  if (depth > DEPTH_LIMIT) throw new Error("it is nested too deeply");
  const fields = fieldsOf(type);
  const result: Fields = {};
  for (const part of readMessage(bytes)) {
    const field = fields.get(part.number);
    if (field === undefined) continue;
    if (field.container === "{}") {
      const [key, value] = decodeEntry(field.type, part.bytes, depth);
      const map = (result[field.name] ??= {}) as Fields;
      setOwn(map, key, value);
      continue;
    }
    const value = decodeValue(field.type, part, depth);
    if (field.isInlined) Object.assign(result, value);
    else if (field.container === "[]") ((result[field.name] ??= []) as unknown[]).push(value ?? "");
    else if (value !== undefined && (field.keepsZero || !isZero(value))) result[field.name] = value;
  }
  return result;
}

function isZero(value: unknown): boolean {
  if (value === "" || value === 0 || value === false) return true;
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function decodeEntry(type: string, bytes: Uint8Array, depth: number): [string, unknown] {
  let key = "";
  let value: unknown = type === "s" || type === "b" ? "" : {};
  for (const part of readMessage(bytes)) {
    if (part.number === 1) key = decodeText(part.bytes);
    else if (part.number === 2) value = decodeValue(type, part, depth);
  }
  return [key, value];
}

/** @returns undefined for a time that is not set */
function decodeValue(type: string, part: Part, depth: number): unknown {
  switch (type) {
    case "s":
      return decodeText(part.bytes);
    case "b":
      return encodeBase64(part.bytes);
    case "i":
    case "f":
      return part.value;
    case "z":
      return part.value !== 0;
    case "time":
      return decodeTime(part.bytes, false);
    case "microtime":
      return decodeTime(part.bytes, true);
    case "quantity":
      return decodeText([...readMessage(part.bytes)][0]?.bytes ?? NOTHING);
    case "duration":
      return `${([...readMessage(part.bytes)][0]?.value ?? 0) / 1e9}s`;
    case "intstr":
      return decodeIntOrString(part.bytes);
    case "raw": {
      const text = decodeText([...readMessage(part.bytes)][0]?.bytes ?? NOTHING);
      return text === "" ? {} : JSON.parse(text);
    }
  }
  if (type.startsWith("items:")) {
    return [...readMessage(part.bytes)].map((item) => decodeValue(type.slice("items:".length), item, depth));
  }
  return decodeMessage(type, part.bytes, depth + 1);
}

function decodeTime(bytes: Uint8Array, isFine: boolean): string | undefined {
  let seconds = 0;
  let nanos = 0;
  for (const { number, value } of readMessage(bytes)) {
    if (number === 1) seconds = value;
    else if (number === 2) nanos = value;
  }
  // Go's zero time is what stands for "not set".
  if (seconds <= -62135596800 || (seconds === 0 && nanos === 0)) return undefined;
  const date = new Date(seconds * 1000).toISOString().slice(0, 19);
  return isFine ? `${date}.${String(Math.floor(nanos / 1000)).padStart(6, "0")}Z` : `${date}Z`;
}

function decodeIntOrString(bytes: Uint8Array): number | string {
  let isText = false;
  let number = 0;
  let text = "";
  for (const part of readMessage(bytes)) {
    if (part.number === 1) isText = part.value === 1;
    else if (part.number === 2) number = part.value;
    else if (part.number === 3) text = decodeText(part.bytes);
  }
  return isText ? text : number;
}

const decoder = new TextDecoder();

function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

function encodeBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
