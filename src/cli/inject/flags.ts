/** The flags of `linkerd inject` that become annotations. */
import {
  configAnnotation,
  NATIVE_SIDECAR_ANNOTATIONS,
  WAIT_BEFORE_EXIT_ANNOTATION,
} from "../../mesh/annotations.ts";
import { type AnnotationFlag, annotationsOf, PROXY_FLAGS } from "../proxy_flags.ts";

export const OVERRIDE_FLAGS: readonly AnnotationFlag[] = [
  [
    "opaque-ports <ports>",
    configAnnotation("opaque-ports"),
    "ports whose protocol is not to be looked at; also on Services",
  ],
  [
    "require-identity-on-inbound-ports <ports>",
    configAnnotation("proxy-require-identity-inbound-ports"),
    "ports only meshed clients may reach",
  ],
  ["enable-debug-sidecar", configAnnotation("enable-debug-sidecar"), "add the debug container"],
  [
    "close-wait-timeout <duration>",
    configAnnotation("close-wait-timeout"),
    "how long connections stay in CLOSE_WAIT",
  ],
  ["native-sidecar", NATIVE_SIDECAR_ANNOTATIONS[1], "run the proxy as a native sidecar"],
  [
    "wait-before-exit-seconds <seconds>",
    WAIT_BEFORE_EXIT_ANNOTATION,
    "how long the proxy waits when the pod ends",
  ],
  ...PROXY_FLAGS,
];

/** The annotations that given flags ask for. */
export function overridesOf(options: Readonly<Record<string, unknown>>): Record<string, string> {
  return annotationsOf(OVERRIDE_FLAGS, options);
}
