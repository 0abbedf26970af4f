/** The API's refusals: made as `KubeError`s, in Kubernetes' words, and turned into Status objects. */
import { KubeError } from "../../kube/client.ts";

/** A resource as messages name it. */
export interface ResourceName {
  group: string;
  plural: string;
  kind: string;
}

/** One thing wrong with an object; `field` is a path like `spec.containers[0].image`. */
export interface FieldError {
  reason:
    | "FieldValueRequired"
    | "FieldValueInvalid"
    | "FieldValueNotSupported"
    | "FieldValueForbidden"
    | "FieldValueDuplicate"
    | "FieldValueTypeInvalid"
    | "FieldValueTooLong"
    | "FieldValueTooMany";
  field: string;
  message: string;
}

function qualified(resource: ResourceName, word: string): string {
  return resource.group === "" ? word : `${word}.${resource.group}`;
}

function details(resource: ResourceName, name: string): Record<string, unknown> {
  return {
    ...(name === "" ? {} : { name }),
    ...(resource.group === "" ? {} : { group: resource.group }),
    kind: resource.plural,
  };
}

export function notFound(resource: ResourceName, name: string): KubeError {
  const what = qualified(resource, resource.plural);
  return new KubeError(404, "NotFound", `${what} "${name}" not found`, details(resource, name));
}

/** For a path or kind the server does not serve. */
export function noSuchResource(): KubeError {
  return new KubeError(404, "NotFound", "the server could not find the requested resource", {});
}

export function alreadyExists(resource: ResourceName, name: string): KubeError {
  const what = qualified(resource, resource.plural);
  return new KubeError(409, "AlreadyExists", `${what} "${name}" already exists`, details(resource, name));
}

export function conflict(resource: ResourceName, name: string, why: string = MODIFIED): KubeError {
  const what = qualified(resource, resource.plural);
  return new KubeError(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${what} "${name}": ${why}`,
    details(resource, name),
  );
}

const MODIFIED =
  "the object has been modified; please apply your changes to the latest version and try again";

export function invalid(resource: ResourceName, name: string, errors: readonly FieldError[]): KubeError {
  const texts = errors.map(({ field, message }) => `${field}: ${message}`);
  const list = texts.length === 1 ? texts[0]! : `[${texts.join(", ")}]`;
  return new KubeError(
    422,
    "Invalid",
    `${qualified(resource, resource.kind)} "${name}" is invalid: ${list}`,
    {
      ...details(resource, name),
      kind: resource.kind,
      causes: errors,
    },
  );
}

export function badRequest(message: string): KubeError {
  return new KubeError(400, "BadRequest", message);
}

export function forbidden(resource: ResourceName, name: string, why: string): KubeError {
  const what = qualified(resource, resource.plural);
  return new KubeError(403, "Forbidden", `${what} "${name}" is forbidden: ${why}`, details(resource, name));
}

export function methodNotAllowed(): KubeError {
  return new KubeError(
    405,
    "MethodNotAllowed",
    "the server does not allow this method on the requested resource",
    {},
  );
}

export function unauthorized(): KubeError {
  return new KubeError(401, "Unauthorized", "Unauthorized");
}

export function expired(requested: number, oldest: number): KubeError {
  return new KubeError(410, "Expired", `too old resource version: ${requested} (${oldest})`);
}

/** A bug of ours or a failure below: never shown as the client's fault. */
export function internal(message: string): KubeError {
  return new KubeError(500, "InternalError", `Internal error occurred: ${message}`, {
    causes: [{ message }],
  });
}

export interface Status {
  kind: "Status";
  apiVersion: "v1";
  metadata: Record<string, never>;
  status: "Success" | "Failure";
  message?: string;
  reason?: string;
  details?: unknown;
  code?: number;
}

export function toKubeError(error: unknown): KubeError {
  if (error instanceof KubeError) return error;
  return internal(error instanceof Error ? error.message : String(error));
}

export function statusOf(error: KubeError): Status {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: error.message,
    reason: error.reason,
    ...(error.details === undefined ? {} : { details: error.details }),
    code: error.status,
  };
}

/** Collects what is wrong with an object under a path. */
export class FieldErrors {
  readonly errors: FieldError[] = [];

  required(field: string, detail = ""): void {
    this.errors.push({
      reason: "FieldValueRequired",
      field,
      message: `Required value${detail === "" ? "" : `: ${detail}`}`,
    });
  }

  invalid(field: string, value: unknown, detail: string): void {
    this.errors.push({
      reason: "FieldValueInvalid",
      field,
      message: `Invalid value: ${quote(value)}: ${detail}`,
    });
  }

  unsupported(field: string, value: unknown, supported: readonly string[]): void {
    const list = supported.map((each) => JSON.stringify(each)).join(", ");
    this.errors.push({
      reason: "FieldValueNotSupported",
      field,
      message: `Unsupported value: ${quote(value)}: supported values: ${list}`,
    });
  }

  duplicate(field: string, value: unknown): void {
    this.errors.push({ reason: "FieldValueDuplicate", field, message: `Duplicate value: ${quote(value)}` });
  }

  forbidden(field: string, detail: string): void {
    this.errors.push({ reason: "FieldValueForbidden", field, message: `Forbidden: ${detail}` });
  }

  type(field: string, value: unknown, detail: string): void {
    this.errors.push({
      reason: "FieldValueTypeInvalid",
      field,
      message: `Invalid value: ${quote(value)}: ${detail}`,
    });
  }
}

function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? "null";
  return text.length > 200 ? `${text.slice(0, 197)}...` : text;
}
