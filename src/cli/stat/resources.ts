/** What `stat` is asked about: `deploy`, `deploy/web`, `deploy web api`, any mix of them, or `all`. Source: cli.md §3.1. */
import { RESOURCE_KINDS, type StatKind, statKind } from "../../mesh/api.ts";
import { POLICY_KINDS, type PolicyKind, policyKind } from "../../mesh/route_api.ts";
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

/** What is asked for, where policies may be, too. */
export interface Subject {
  readonly kind: StatKind | PolicyKind;
  readonly name?: string;
}

export function isPolicy(subject: Subject): subject is Subject & { readonly kind: PolicyKind } {
  return (POLICY_KINDS as readonly string[]).includes(subject.kind);
}

/** The words that a command takes. */
interface Vocabulary<Kind> {
  readonly kinds: readonly string[];
  kindOf(word: string): Kind | undefined;
}

const WORKLOADS: Vocabulary<StatKind> = { kinds: RESOURCE_KINDS, kindOf: statKind };
const SUBJECTS: Vocabulary<Subject["kind"]> = {
  kinds: [...RESOURCE_KINDS, ...POLICY_KINDS],
  kindOf: (word) => statKind(word) ?? policyKind(word),
};

function unknownKind(word: string, kinds: readonly string[]): MeshFailure {
  if (policyKind(word) !== undefined || /^(serviceprofiles?|sp)$/i.test(word)) {
    return usageFailure(
      "kind-uncounted",
      `requests are not told by ${word} here`,
      `what they are told by: ${kinds.join(", ")}`,
    );
  }
  const words = [...kinds, ...Object.values(SHORT_KINDS), "all"];
  return usageFailure(
    "kind-unknown",
    `there are no figures for "${word}"`,
    `did you mean ${nearest(word, words)}? Kinds: ${kinds.join(", ")}`,
  );
}

function parseOne<Kind>(
  text: string,
  { kinds, kindOf }: Vocabulary<Kind>,
): { readonly kind: Kind; readonly name?: string } {
  const [word = "", name, ...rest] = text.split("/"), kind = kindOf(word);
  if (kind === undefined) throw unknownKind(word, kinds);
  if (name === "" || rest.length > 0) {
    throw usageFailure("resource-invalid", `${text} is no resource`, "write KIND or KIND/NAME");
  }
  return name === undefined ? { kind } : { kind, name };
}

function parseAll<Kind>(
  words: readonly string[],
  vocabulary: Vocabulary<Kind>,
): { readonly kind: Kind; readonly name?: string }[] {
  const { kinds, kindOf } = vocabulary;
  const resources: { readonly kind: Kind; readonly name?: string }[] = [];
  let kind: Kind | undefined, isNamed = true;
  const close = () => {
    if (kind !== undefined && !isNamed) resources.push({ kind });
  };
  for (const word of words) {
    if (word.includes("/")) {
      close();
      kind = undefined;
      resources.push(parseOne(word, vocabulary));
    } else if (kindOf(word) !== undefined) {
      close();
      kind = kindOf(word);
      isNamed = false;
    } else if (kind !== undefined) {
      isNamed = true;
      resources.push({ kind, name: word });
    } else throw unknownKind(word, kinds);
  }
  close();
  return resources;
}

/** What `all` stands for; undefined where the words are others. @throws MeshFailure where it is one of several */
function everything(words: readonly string[]): ResourceArgument[] | undefined {
  if (!words.includes("all")) return undefined;
  if (words.length > 1) throw usageFailure("resource-invalid", "all is everything: it stands alone");
  return RESOURCE_KINDS.filter((kind) => kind !== "namespace").map((kind) => ({ kind }));
}

/** `KIND/NAME` or `KIND`. @throws MeshFailure that names the nearest kind */
export function parseResource(text: string): ResourceArgument {
  return parseOne(text, WORKLOADS);
}

/** All of the words of a command line. @throws MeshFailure */
export function parseResources(words: readonly string[]): ResourceArgument[] {
  return everything(words) ?? parseAll(words, WORKLOADS);
}

/** The same, with policies among them. @throws MeshFailure */
export function parseSubjects(words: readonly string[]): Subject[] {
  return everything(words) ?? parseAll(words, SUBJECTS);
}

interface SelectionOptions {
  readonly namespace?: string;
  readonly timeWindow: string;
  readonly selector?: string;
}

/** What the statistics API is asked of a resource. @param namespace undefined for all of them */
export function selectionOf(
  { kind, name }: ResourceArgument,
  options: SelectionOptions,
  namespace: string | undefined,
) {
  return {
    kind,
    // A namespace is named by -n as well as by its own name.
    name: kind === "namespace" ? name ?? options.namespace : name,
    namespace: kind === "namespace" ? undefined : namespace,
    labels: options.selector,
    window: options.timeWindow,
  };
}
