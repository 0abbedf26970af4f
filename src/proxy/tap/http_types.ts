/** Methods and schemes between their wire form and text, without the codec's code. Source: protocol-api.md §3. */
import type { HttpMethod, Scheme } from "../../../proto/gen/http_types.ts";

/** By number. */
const METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "HEAD", "TRACE"];
const SCHEMES = ["http", "https"];

/** Undefined for a number that is registered nowhere. */
export function methodText({ type }: HttpMethod): string | undefined {
  return type?.$case === "registered" ? METHODS[type.value] : type?.value;
}

export function methodOf(text: string): HttpMethod {
  const value = METHODS.indexOf(text);
  return { type: value < 0 ? { $case: "unregistered", value: text } : { $case: "registered", value } };
}

/** Undefined for a number that is registered nowhere. */
export function schemeText({ type }: Scheme): string | undefined {
  return type?.$case === "registered" ? SCHEMES[type.value] : type?.value;
}

export function schemeOf(text: string): Scheme {
  const value = SCHEMES.indexOf(text);
  return { type: value < 0 ? { $case: "unregistered", value: text } : { $case: "registered", value } };
}
