/** Methods and schemes between their wire form and text. Source: protocol-api.md §3. */
import {
  HttpMethod,
  HttpMethod_Registered,
  Scheme,
  Scheme_Registered,
} from "../../../proto/gen/http_types.ts";

/** Undefined for a number that is registered nowhere. */
export function methodText({ type }: HttpMethod): string | undefined {
  if (type?.$case !== "registered") return type?.value;
  return type.value === HttpMethod_Registered.UNRECOGNIZED ? undefined : HttpMethod_Registered[type.value];
}

export function methodOf(text: string): HttpMethod {
  // An enum's object maps names to numbers, and numbers back: "3" is a name of neither kind.
  const value = (HttpMethod_Registered as unknown as Record<string, HttpMethod_Registered | string>)[text];
  return typeof value !== "number" || value === HttpMethod_Registered.UNRECOGNIZED
    ? { type: { $case: "unregistered", value: text } }
    : { type: { $case: "registered", value } };
}

/** Undefined for a number that is registered nowhere. */
export function schemeText({ type }: Scheme): string | undefined {
  if (type?.$case !== "registered") return type?.value;
  return type.value === Scheme_Registered.UNRECOGNIZED
    ? undefined
    : Scheme_Registered[type.value]?.toLowerCase();
}

export function schemeOf(text: string): Scheme {
  if (text === "http") return { type: { $case: "registered", value: Scheme_Registered.HTTP } };
  if (text === "https") return { type: { $case: "registered", value: Scheme_Registered.HTTPS } };
  return { type: { $case: "unregistered", value: text } };
}
