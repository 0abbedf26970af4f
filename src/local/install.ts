/**
 * Installs the control plane into a laptop cluster: what `linkerd install` renders, with values for a laptop, and the routes
 * of the Gateway API, which nobody else installs there.
 */
import {
  credentialValues,
  defaultValues,
  gatewayCrds,
  generateCredentials,
  laptopValues,
  mergeValues,
  renderCrds,
  renderInstall,
} from "../../manifests/render.ts";
import { applyObjects } from "../kube/apply.ts";
import type { KubeClient } from "../kube/client.ts";
import type { PartialValues } from "../mesh/values.ts";

const FIELD_MANAGER = "linkerd-local";

/**
 * @param onApplied told how many of how many objects are applied
 * @param change values that differ from a laptop's
 */
export async function installMesh(
  client: KubeClient,
  onApplied: (done: number, total: number) => void = () => {},
  change: PartialValues = {},
): Promise<void> {
  const values = mergeValues(mergeValues(defaultValues(), laptopValues), change);
  const complete = mergeValues(values, credentialValues(await generateCredentials(values)));
  const objects = [...renderCrds(), ...gatewayCrds(), ...renderInstall(complete)];
  await applyObjects(client, objects, {
    fieldManager: FIELD_MANAGER,
    onApplied: (_object, done, total) => onApplied(done, total),
  });
}
