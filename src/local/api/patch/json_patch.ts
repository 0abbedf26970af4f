/**
 * JSON Patch, RFC 6902: an object changed by a list of operations, all or none.
 *
 * Why not fast-json-patch: it changes its argument half-way when an operation fails.
 */
import { cloneJson, equalJson, type Fields, isFields, setOwn } from "../object.ts";

export interface PatchOperation {
  op: "add" | "remove" | "replace" | "move" | "copy" | "test";
  path: string;
  from?: string;
  value?: unknown;
}

/** An operation that cannot be done; `index` says which. */
export class JsonPatchError extends Error {
  override readonly name = "JsonPatchError";
  constructor(readonly index: number, readonly isMalformed: boolean, message: string) {
    super(message);
  }
}

const OPERATIONS = ["add", "remove", "replace", "move", "copy", "test"];

/** @throws JsonPatchError */
export function applyJsonPatch<T>(document: T, patch: readonly PatchOperation[]): T {
  if (!Array.isArray(patch)) throw new JsonPatchError(0, true, "a JSON patch is a list of operations");
  const root: Fields = { document: cloneJson(document) };
  for (const [index, operation] of patch.entries()) {
    const fail = (message: string, isMalformed = false): never => {
      throw new JsonPatchError(index, isMalformed, `operation ${index}: ${message}`);
    };
    const isOperation = typeof operation === "object" && operation !== null &&
      typeof operation.path === "string" && OPERATIONS.includes(operation.op);
    if (!isOperation) fail("needs op and path", true);
    applyOperation(root, operation, fail);
  }
  return root["document"] as T;
}

type Fail = (message: string, isMalformed?: boolean) => never;

function applyOperation(root: Fields, operation: PatchOperation, fail: Fail): void {
  const { op, path } = operation;
  switch (op) {
    case "add":
      if (operation.value === undefined) fail("add needs a value", true);
      return add(root, path, cloneJson(operation.value), fail);
    case "remove":
      remove(root, path, fail);
      return;
    case "replace":
      if (operation.value === undefined) fail("replace needs a value", true);
      read(root, path, fail);
      if (path === "") root["document"] = cloneJson(operation.value);
      else replace(root, path, cloneJson(operation.value), fail);
      return;
    case "move": {
      const from = operation.from ?? fail("move needs from", true);
      if (path.startsWith(`${from}/`)) fail("a value cannot be moved into itself");
      return add(root, path, remove(root, from, fail), fail);
    }
    case "copy":
      return add(
        root,
        path,
        cloneJson(read(root, operation.from ?? fail("copy needs from", true), fail)),
        fail,
      );
    case "test":
      if (!equalJson(read(root, path, fail), operation.value)) fail(`test failed at ${path}`);
  }
}

/** Splits a JSON pointer. */
export function parsePointer(path: string): string[] | undefined {
  if (path === "") return [];
  if (!path.startsWith("/")) return undefined;
  return path.slice(1).split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function locate(root: Fields, path: string, fail: Fail): { holder: unknown; key: string } {
  const parts = parsePointer(path) ?? fail(`not a JSON pointer: ${path}`, true);
  let holder: unknown = root;
  let key = "document";
  for (const part of parts) {
    holder = child(holder, key, path, fail);
    key = part;
  }
  return { holder, key };
}

function child(holder: unknown, key: string, path: string, fail: Fail): unknown {
  if (Array.isArray(holder) && /^(0|[1-9]\d*)$/.test(key) && Number(key) < holder.length) {
    return holder[Number(key)];
  }
  if (isFields(holder) && Object.hasOwn(holder, key)) return holder[key];
  return fail(`there is nothing at ${path}`);
}

function read(root: Fields, path: string, fail: Fail): unknown {
  const { holder, key } = locate(root, path, fail);
  return child(holder, key, path, fail);
}

function add(root: Fields, path: string, value: unknown, fail: Fail): void {
  const { holder, key } = locate(root, path, fail);
  if (Array.isArray(holder)) {
    const index = key === "-" ? holder.length : /^(0|[1-9]\d*)$/.test(key) ? Number(key) : NaN;
    if (!(index <= holder.length)) fail(`index out of range at ${path}`);
    holder.splice(index, 0, value);
  } else if (isFields(holder)) setOwn(holder, key, value);
  else fail(`there is no object or list to add to at ${path}`);
}

function replace(root: Fields, path: string, value: unknown, fail: Fail): void {
  const { holder, key } = locate(root, path, fail);
  if (Array.isArray(holder)) holder[Number(key)] = value;
  else setOwn(holder as Fields, key, value);
}

function remove(root: Fields, path: string, fail: Fail): unknown {
  const { holder, key } = locate(root, path, fail);
  const removed = child(holder, key, path, fail);
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete (holder as Fields)[key];
  return removed;
}
