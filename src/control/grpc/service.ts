/**
 * Plain service descriptions from proto/gen as @grpc/grpc-js wants them.
 *
 * A response object that was sent before is not encoded again: snapshots are immutable and shared by all streams that
 * watch the same thing, so a change costs one encoding, however many proxies hear of it.
 */
import { Buffer } from "node:buffer";
import type { BinaryWriter } from "@bufbuild/protobuf/wire";

export interface Codec<T> {
  encode(message: T): BinaryWriter;
  decode(input: Uint8Array): T;
}

interface Method<Request, Response> {
  readonly name: string;
  readonly requestType: Codec<Request>;
  readonly requestStream: boolean;
  readonly responseType: Codec<Response>;
  readonly responseStream: boolean;
  readonly options: unknown;
}

/** What ts-proto's `generic-definitions` emits for a service. */
export interface ServiceDescription {
  readonly name: string;
  readonly fullName: string;
  // deno-lint-ignore no-explicit-any -- messages of any type; each method's own types are checked by its handler
  readonly methods: Readonly<Record<string, Method<any, any>>>;
}

export type RequestOf<S extends ServiceDescription, M extends keyof S["methods"]> =
  S["methods"][M]["requestType"] extends Codec<infer T> ? T : never;
export type ResponseOf<S extends ServiceDescription, M extends keyof S["methods"]> =
  S["methods"][M]["responseType"] extends Codec<infer T> ? T : never;

const encoded = new WeakMap<object, Buffer>();

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The wire form of a message that will not change any more; made once per object. */
export function encodeOnce<T extends object>(codec: Codec<T>, message: T): Buffer {
  let bytes = encoded.get(message);
  if (bytes === undefined) {
    bytes = toBuffer(codec.encode(message).finish());
    encoded.set(message, bytes);
  }
  return bytes;
}

/** One method as grpc-js's ServiceDefinition holds it. */
export function methodDefinition(service: ServiceDescription, key: string) {
  const method = service.methods[key]!;
  return {
    path: `/${service.fullName}/${method.name}`,
    requestStream: method.requestStream,
    responseStream: method.responseStream,
    requestSerialize: (message: object): Buffer => toBuffer(method.requestType.encode(message).finish()),
    requestDeserialize: (bytes: Buffer): object => method.requestType.decode(bytes),
    responseSerialize: (message: object): Buffer => encodeOnce(method.responseType, message),
    responseDeserialize: (bytes: Buffer): object => method.responseType.decode(bytes),
  };
}

/** All methods of a service: the first argument of grpc-js's `server.addService`. */
export function serviceDefinition(service: ServiceDescription) {
  return Object.fromEntries(Object.keys(service.methods).map((key) => [key, methodDefinition(service, key)]));
}
