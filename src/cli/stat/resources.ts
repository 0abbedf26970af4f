/** What `stat` is asked about: `deploy`, `deploy/web`, `deploy web api`, any mix of them, or `all`. Source: cli.md §3.1. */
import { RESOURCE_KINDS, type StatKind, statKind } from "../../mesh/api.ts";
import type { MeshFailure } from "../../mesh/error.ts";
import { usageFailure } from "../failure.ts";
import { nearest } from "../nearest.ts";

export interface ResourceArgument {
  readonly kind: StatKind;
  readonly name?: string;
}

/** As kubectl shortens them: what stands before a name where a table holds several kinds. */
export const SHORT_KINDS: Readonly<Record<StatKind, string>> = {
  namespace: "ns",
  deployment: "deploy",
  statefulset: "sts",
  daemonset: "ds",
  replicaset: "rs",
  replicationcontroller: "rc",
  job: "job",
  cronjob: "cj",
  pod: "po",
  service: "svc",
  authority: "au",
};

/** The kinds that Linkerd counts for and this mesh does not yet. */
const UNCOUNTED =
  /^(servers?|srv|serverauthorizations?|saz|authorizationpolic(y|ies)|httproutes?|route|serviceprofiles?|sp)$/;

function unknownKind(word: string): MeshFailure {
  if (UNCOUNTED.test(word.toLowerCase())) {
    return usageFailure(
      "kind-uncounted",
      `requests are not counted by ${word} yet`,
      `what is counted: ${RESOURCE_KINDS.join(", ")}`,
    );
  }
  const words = [...RESOURCE_KINDS, ...Object.values(SHORT_KINDS), "all"];
  return usageFailure(
    "kind-unknown",
    `there are no figures for "${word}"`,
    `did you mean ${nearest(word, words)}? Kinds: ${RESOURCE_KINDS.join(", ")}`,
  );
}

/** `KIND/NAME` or `KIND`. @throws MeshFailure that names the nearest kind */
export function parseResource(text: string): ResourceArgument {
  const [word = "", name, ...rest] = text.split("/"), kind = statKind(word);
  if (kind === undefined) throw unknownKind(word);
  if (name === "" || rest.length > 0) {
    throw usageFailure("resource-invalid", `${text} is no resource`, "write KIND or KIND/NAME");
  }
  return name === undefined ? { kind } : { kind, name };
}

/** All of the words of a command line. @throws MeshFailure */
export function parseResources(words: readonly string[]): ResourceArgument[] {
  if (words.includes("all")) {
    if (words.length > 1) throw usageFailure("resource-invalid", "all is everything: it stands alone");
    return RESOURCE_KINDS.filter((kind) => kind !== "namespace").map((kind) => ({ kind }));
  }
  const resources: ResourceArgument[] = [];
  let kind: StatKind | undefined, isNamed = true;
  const close = () => {
    if (kind !== undefined && !isNamed) resources.push({ kind });
  };
  for (const word of words) {
    if (word.includes("/")) {
      close();
      kind = undefined;
      resources.push(parseResource(word));
    } else if (statKind(word) !== undefined) {
      close();
      kind = statKind(word);
      isNamed = false;
    } else if (kind !== undefined) {
      isNamed = true;
      resources.push({ kind, name: word });
    } else throw unknownKind(word);
  }
  close();
  return resources;
}
