/** Codes of `tap`, as the command and metrics-api say them. */
import { explanations } from "./explanation.ts";

export const TAP_CODES = explanations("statistics", {
  "max-rps-invalid": [
    "So many requests a second cannot be shown.",
    "say a number above 0 and at most 10000; 100 is the default",
  ],
  "method-invalid": ["This is no HTTP method.", "say GET, POST, PUT, DELETE, PATCH ..."],
  "scheme-invalid": ["A scheme is http or https.", "say one of the two, or leave it out"],
  "tap-disabled": [
    "None of the pods can be tapped: the message says why of each.",
    "restart pods that have not been told who may tap; take viz.linkerd.io/disable-tap away where it is not meant",
  ],
  "tap-forbidden": [
    "Requests are shown only to whom Kubernetes' rules allow it.",
    "be allowed to create serviceaccounts/token of metrics-api in the control plane's namespace",
  ],
  "tap-kind-invalid": [
    "A Service or an authority has no proxy whose requests could be shown.",
    "tap its clients: linkerd tap deploy/NAME --to svc/NAME",
  ],
  "tap-no-pods": ["No pod belongs to this resource.", "name another, or another namespace with -n"],
  "tap-review-failed": [
    "metrics-api could not ask Kubernetes whether the tap is allowed.",
    "see its log; its role needs create on tokenreviews, which linkerd upgrade gives it",
  ],
  "tap-trouble": [
    "A pod's proxy could not be asked for its requests just now; it is asked again.",
    "see whether the pod runs, and its proxy's log, which names taps that it refused",
  ],
  "tap-too-many": ["As many taps run as may at one time.", "end one of them"],
  "to-invalid": ["Requests to this kind of resource cannot be told by their endpoints.", "say --authority"],
});
