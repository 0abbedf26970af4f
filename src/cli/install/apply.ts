/** Applies a rendered installation and waits until it works, or says what keeps it from working. */
import { applyObjects } from "../../kube/apply.ts";
import type { KubernetesObject } from "../../kube/resource.ts";
import { waitForWorkloads } from "../../local/workloads.ts";
import { Progress } from "../../mesh/progress.ts";
import { formatJson } from "../../mesh/table.ts";
import type { Connection, Environment } from "../environment.ts";
import { checkPermissions } from "./preflight.ts";

export interface ApplySettings {
  readonly namespace: string;
  readonly isJson: boolean;
  /** Left out: not waited for. */
  readonly waitMs?: number;
}

/** Progress goes to standard error, the result as JSON to standard output where that is asked for. @throws MeshFailure */
export async function applyAndWait(
  connection: Connection,
  objects: readonly KubernetesObject[],
  settings: ApplySettings,
  environment: Environment,
): Promise<void> {
  const { client } = connection;
  await checkPermissions(connection, objects);
  const progress = new Progress({ write: environment.tell, isTerminal: environment.isTerminal });
  await progress.step(`apply ${objects.length} objects`, (update) =>
    applyObjects(client, objects, {
      fieldManager: "linkerd",
      onApplied: (_object, done, total) => update(`${done} of ${total}`),
    }));
  const { waitMs } = settings;
  if (waitMs !== undefined) {
    await progress.step(
      "wait until the control plane is ready",
      (update) =>
        waitForWorkloads(client, settings.namespace, {
          timeoutMs: waitMs,
          onProgress: (ready, total) => update(`${ready} of ${total} workloads`),
        }),
    );
    if (!settings.isJson) progress.say("  see how it is with `linkerd check`");
  }
  if (settings.isJson) {
    const applied = objects.map(({ apiVersion, kind, metadata }) => ({
      apiVersion,
      kind,
      name: metadata?.name,
      ...(metadata?.namespace === undefined ? {} : { namespace: metadata.namespace }),
    }));
    environment.print(formatJson({ applied, isReady: waitMs !== undefined }));
  }
}
