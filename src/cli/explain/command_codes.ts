/** Codes of the commands themselves: how they were called, what they read, what they waited for. */
import { explanations } from "./explanation.ts";

export const COMMAND_CODES = explanations("command", {
  "already-installed": [
    "The namespace has a control plane already.",
    "change it with linkerd upgrade, or render without looking with --ignore-cluster",
  ],
  "anchors-unknown": [
    "--manual writes the trust anchors into the proxy, and --ignore-cluster keeps them from being read.",
    "leave one of the two out",
  ],
  "credentials-invalid": [
    "Trust anchors, issuer certificate and issuer key do not fit each other, or do not count now.",
    "give an ECDSA P-256 authority with its own key, signed by one of the trust anchors",
  ],
  "definitions-missing": [
    "The cluster does not know the mesh's resources yet.",
    "linkerd install --crds | kubectl apply -f -, or --apply, which does both",
  ],
  "duration-invalid": ["A flag that takes a duration has something else.", "write it like 30s or 5m0s"],
  "flag-invalid": ["A flag's value is not of the kind it takes.", "the message says which kind"],
  "kind-uncounted": [
    "This kind of resource exists, but this command has no figures by it.",
    "use one of those that the message names",
  ],
  "kubernetes-too-old": [
    "The cluster is older than the mesh supports.",
    "upgrade the cluster to 1.31 or newer",
  ],
  "name-in-all-namespaces": [
    "A name is looked for in one namespace.",
    "leave out --all-namespaces, or the name",
  ],
  "not-installed": [
    "The mesh is not installed in this namespace.",
    "name the control plane's namespace with -L, or install: linkerd install --apply",
  ],
  "peer-invalid": ["A Service or an authority sends nothing itself.", "name a workload after --from"],
  "port-taken": [
    "Something else listens on this port.",
    "name another one with --port, or 0 for one that is free",
  ],
  "peer-of-all": ["--to and --from do not go with all.", "name the kinds"],
  "peer-unnamed": ["--to and --from take one resource.", "write KIND/NAME"],
  "pod-not-found": ["No pod with a proxy fits what was asked for.", "see them with linkerd stat pod -A"],
  "resource-invalid": ["This is no resource.", "write KIND, KIND/NAME or KIND NAME"],
  "still-in-use": [
    "Extensions or meshed pods still need the control plane.",
    "uninstall the extensions and uninject the pods first, or insist with --force",
  ],
  "already-running": [
    "A laptop cluster of yours runs already: there is one for each user.",
    "use it, or end it with linkerd local down",
  ],
  "credentials-missing": [
    "Trust anchors, issuer certificate and issuer key belong together, and one of them is missing.",
    "leave all three out to have them generated, or give all three",
  ],
  "demo-incomplete": [
    "The demo shop did not get as far as it should in its time.",
    "the message names the workload; see its log with linkerd local logs",
  ],
  "file-unreadable": ["A file that a flag names cannot be read.", "see its path and permissions"],
  "flags-before-extension": [
    "Flags stand before the name of an extension, which would not get them.",
    "write them after its name",
  ],
  "manifest-invalid": [
    "A manifest is not YAML or JSON, or not a Kubernetes object; nothing was written.",
    "mend the line that is named",
  ],
  "manifest-unreadable": [
    "A manifest's file, directory or address cannot be read.",
    "give a file, a directory, an http(s) address, or - for standard input",
  ],
  "no-local-cluster": ["No laptop cluster of yours is running.", "start one with linkerd local up"],
  "node-ended": [
    "The process that holds the laptop cluster ended.",
    "set LINKERD_LOCAL_LOG=1 and start it again to see why",
  ],
  "node-failed": [
    "The laptop cluster could not start.",
    "the message says what is missing: usually user namespaces, or nf_tables in the kernel",
  ],
  "output-format-unknown": ["The command has no such output format.", "see its formats with --help"],
  "set-invalid": ["A --set is not of the form path=value.", "for example --set controllerReplicas=3"],
  "still-running": [
    "The laptop cluster did not end in time.",
    "end its process as the message says: its pods end with it",
  ],
  "unexpected": [
    "Something that this program has no name for yet.",
    "run it again with --verbose; report it when it stays",
  ],
  "chart-unwritable": [
    "The directory named with --output-chart cannot be written.",
    "name a directory that can be made or written",
  ],
  "manifests-incomplete": [
    "The file given with --from-manifests holds no installation.",
    "give what linkerd install printed, all of it",
  ],
  "open-api-invalid": ["The file is no OpenAPI description.", "the message says what it lacks"],
  "policy-resource-invalid": [
    "A policy is asked for of a pod or a service, and a port.",
    "for example linkerd diagnostics policy -n shop svc/web 80",
  ],
  "profile-source": [
    "A profile comes from one source.",
    "give one of --template, --open-api FILE and --proto FILE",
  ],
  "proto-invalid": ["The file describes no gRPC service.", "give the .proto file that has the service"],
  "service-name-invalid": [
    "Services have names of lower-case letters, digits and dashes.",
    "give the Service's name alone, and its namespace with -n",
  ],
  "value-invalid": ["A value is not of the type its place takes.", "the message says which type"],
  "value-unknown": [
    "The installation has no value of this name: a typo must not become a silent default.",
    "take the name that the message proposes, or see all with linkerd install -o json",
  ],
  "values-invalid": ["A values file is not a map of values.", "write it as YAML: proxy: { logLevel: info }"],
  "values-unreadable": [
    "The installation's values, in ConfigMap linkerd-config, cannot be read.",
    "see whether the mesh is installed: linkerd check; --ignore-cluster goes without",
  ],
  "workloads-not-ready": [
    "Workloads did not become ready in time; the message names each pod that is not, and why.",
    "look at its log: kubectl logs POD -c CONTAINER",
  ],
  "code-unknown": ["explain knows no such code.", "see all with linkerd explain"],
  "unknown-command": ["There is no such command, and no linkerd-NAME on the PATH.", "see linkerd --help"],
  "unknown-option": ["The command has no such flag.", "see its flags with --help"],
  "missing-argument": ["An argument that the command needs is missing.", "see its usage with --help"],
  "excess-arguments": ["The command takes fewer arguments.", "see its usage with --help"],
  "option-missing-argument": ["A flag that takes a value has none.", "write --flag value or --flag=value"],
  "missing-mandatory-option-value": [
    "A flag that the command needs is missing.",
    "see its flags with --help",
  ],
  "conflicting-option": ["Two of the flags exclude each other.", "leave one out"],
  "invalid-argument": ["An argument or a flag's value is not one of those that are taken.", "see --help"],
});
