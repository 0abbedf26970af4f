/** Who else an installation belongs to: Helm, or Linkerd's own command line. They are not mixed. */
import type { ConfigMap } from "../../kube/kinds.ts";
import { parse } from "../../kube/yaml.ts";

export interface OtherOwner {
  /** For the middle of a sentence. */
  readonly who: string;
  readonly remedy: string;
}

/** @param config the ConfigMap linkerd-config @returns undefined for an installation of this command line */
export function otherOwner({ metadata, data }: ConfigMap): OtherOwner | undefined {
  const release = metadata?.annotations?.["meta.helm.sh/release-name"];
  if (release !== undefined || metadata?.labels?.["app.kubernetes.io/managed-by"] === "Helm") {
    const name = release ?? "linkerd-control-plane";
    return {
      who: `Helm's release ${name}`,
      remedy: `change it with helm upgrade ${name}, or be rid of it with helm uninstall ${name}`,
    };
  }
  const values = readValues(data?.["values"]);
  // Linkerd's own values have the heartbeat's schedule, and versions that begin with a channel: these have neither.
  const version = String(values["linkerdVersion"] ?? "of an unknown version");
  const isLinkerds = values["heartbeatSchedule"] !== undefined ||
    /^(edge|stable|enterprise|preview)-/.test(version);
  if (!isLinkerds) return undefined;
  return {
    who: `Linkerd itself (${version})`,
    remedy: "uninstall it with its own command line first: linkerd uninstall | kubectl delete -f -",
  };
}

function readValues(text: string | undefined): Record<string, unknown> {
  try {
    return (parse(text ?? "") ?? {}) as Record<string, unknown>;
  } catch {
    return {}; // whoever reads them for their own sake says what is wrong
  }
}
