/** HTTP's vocabulary as the messages of http_types.proto. */
import { type HttpMethod, HttpMethod_Registered } from "../../../proto/gen/http_types.ts";

const REGISTERED: Readonly<Record<string, HttpMethod_Registered>> = {
  GET: HttpMethod_Registered.GET,
  POST: HttpMethod_Registered.POST,
  PUT: HttpMethod_Registered.PUT,
  DELETE: HttpMethod_Registered.DELETE,
  PATCH: HttpMethod_Registered.PATCH,
  OPTIONS: HttpMethod_Registered.OPTIONS,
  CONNECT: HttpMethod_Registered.CONNECT,
  HEAD: HttpMethod_Registered.HEAD,
  TRACE: HttpMethod_Registered.TRACE,
};

export function toHttpMethod(name: string): HttpMethod {
  const value = REGISTERED[name];
  return {
    type: value === undefined ? { $case: "unregistered", value: name } : { $case: "registered", value },
  };
}
