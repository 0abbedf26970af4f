/**
 * Gives a pod its service account, and the volume with its token, as Kubernetes' ServiceAccount admission does.
 *
 * Runs before mutating webhooks: injectors expect to see the token's volume.
 */
import type { Pod, ServiceAccount } from "../../../kube/kinds.ts";
import { forbidden } from "../errors.ts";
import type { IncomingObject, StoredObject } from "../object.ts";
import type { ResourceDefinition } from "../registry/definition.ts";
import { keyOf, type Store } from "../store/store.ts";
import { randomSuffix } from "../verbs/random_suffix.ts";

const MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";

/** A new namespace's account `default` is made a moment after the namespace. */
const WAIT_MS = 2000;

export async function admitServiceAccount(
  store: Store,
  definition: ResourceDefinition,
  object: IncomingObject,
): Promise<void> {
  const pod = object as unknown as Pod;
  if (pod.spec === undefined) return;
  // A mirror of what a kubelet runs by itself has no account.
  if (object.metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined) return;
  pod.spec.serviceAccountName ||= "default";
  const name = pod.spec.serviceAccountName;
  pod.spec.serviceAccount = name;
  const { namespace } = object.metadata;
  const account = await findAccount(store, keyOf(namespace, name)) as unknown as ServiceAccount | undefined;
  if (account === undefined) {
    throw forbidden(
      definition,
      object.metadata.name ?? "",
      `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`,
    );
  }
  if (account.imagePullSecrets !== undefined && (pod.spec.imagePullSecrets ?? []).length === 0) {
    pod.spec.imagePullSecrets = account.imagePullSecrets.map((each) => ({ ...each }));
  }
  const mounts = pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
  if (mounts) mountToken(pod);
}

function findAccount(store: Store, key: string): Promise<StoredObject | undefined> {
  const found = store.get("/serviceaccounts", key);
  if (found !== undefined || !key.endsWith("/default")) return Promise.resolve(found);
  return new Promise((resolve) => {
    const done = (account: StoredObject | undefined) => {
      clearTimeout(timer);
      unlisten();
      resolve(account);
    };
    const timer = setTimeout(() => done(undefined), WAIT_MS);
    const unlisten = store.listenTo("/serviceaccounts", (event) => {
      if (event.key === key && event.type !== "DELETED") done(event.object);
    });
  });
}

function mountToken(pod: Pod): void {
  const spec = pod.spec!;
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const lacking = containers.filter((container) =>
    !(container.volumeMounts ?? []).some(({ mountPath }) => mountPath === MOUNT_PATH)
  );
  if (lacking.length === 0) return;
  const name = `kube-api-access-${randomSuffix()}`;
  for (const container of lacking) {
    container.volumeMounts = [...(container.volumeMounts ?? []), {
      name,
      readOnly: true,
      mountPath: MOUNT_PATH,
    }];
  }
  spec.volumes = [...(spec.volumes ?? []), {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        {
          downwardAPI: {
            items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
          },
        },
      ],
    },
  }];
}
