/** Codes of what the Kubernetes API refuses, and of the way to it. */
import { explanations } from "./explanation.ts";

export const KUBERNETES_CODES = explanations("kubernetes", {
  "cluster-unreachable": [
    "No connection to the Kubernetes API came about: nothing listens there, or its certificate is not trusted.",
    "see whether kubectl version works, and which cluster the kubeconfig names (--kubeconfig, --context)",
  ],
  "controller-refused": [
    "The destination controller was reached, and does not answer what was asked.",
    "name what is asked for as a proxy would: host.namespace.svc.cluster.local:port",
  ],
  "controller-unreachable": [
    "The controller's port could not be reached through the API server, which forwards it.",
    "see with linkerd check whether the control plane runs; or give its address with --api-addr",
  ],
  "not-installed-here": [
    "The control plane was installed by Helm, or by Linkerd's own command line: this one would undo what they know.",
    "go on with the tool that the message names, or uninstall with it first",
  ],
  "not-permitted": [
    "The user of the kubeconfig may not apply all of the installation, so nothing of it was applied.",
    "ask for the rights that the message names, or have somebody who has them apply what is printed",
  ],
  "kubeconfig-missing": [
    "There is no kubeconfig: neither --kubeconfig, nor KUBECONFIG, nor ~/.kube/config.",
    "name one, or start a cluster on this machine: linkerd local up",
  ],
  "kubeconfig-invalid": [
    "The kubeconfig cannot be read, or names a context, cluster or user that is not in it.",
    "compare with kubectl config view",
  ],
  "kubeconfig-unsupported": [
    "The kubeconfig asks for something this program refuses rather than ignore, such as skipping TLS verification.",
    "do what the message says in its place",
  ],
  "kubernetes-bad-request": [
    "The Kubernetes API does not understand the request.",
    "the message says what is wrong",
  ],
  "kubernetes-conflict": [
    "Somebody else changed the object meanwhile, or manages the same field.",
    "run the command again",
  ],
  "kubernetes-forbidden": [
    "The user of the kubeconfig may not do this.",
    "see what is allowed with kubectl auth can-i --list; installing needs cluster-admin",
  ],
  "kubernetes-invalid": ["The Kubernetes API refuses the object's content.", "the message names the field"],
  "kubernetes-not-found": [
    "The cluster has no such object, or does not serve its kind.",
    "see whether the mesh is installed, definitions too: linkerd check",
  ],
  "kubernetes-unauthorized": [
    "The Kubernetes API does not know who is asking: the credentials have expired or belong to another cluster.",
    "log in again, as for kubectl",
  ],
  "kubernetes-service-unavailable": [
    "The Kubernetes API could not pass the request on, or is not ready.",
    "try again; linkerd check says what is not ready",
  ],
  "kubernetes-internal-error": [
    "The Kubernetes API failed; often a webhook that it calls did not answer.",
    "the message names the webhook; see whether its pods are ready",
  ],
  "kubernetes-too-many-requests": [
    "The Kubernetes API is overloaded and asks to wait.",
    "try again in a while",
  ],
  "kubernetes-timeout": [
    "The Kubernetes API did not answer in time.",
    "try again; see the API server's load",
  ],
});
