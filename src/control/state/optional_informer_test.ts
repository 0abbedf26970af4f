import assert from "node:assert/strict";
import { GRPC_ROUTES, HTTP_ROUTES, TLS_ROUTES } from "../../kube/kinds.ts";
import { FakeKube } from "../testing/fake_kube.ts";
import { ClusterState } from "./cluster_state.ts";

const route = (name: string) => ({ metadata: { name, namespace: "shop" }, spec: {} });

/** The next value of what is derived that `holds`. */
function until<T>(state: ClusterState, read: () => T, holds: (value: T) => boolean): Promise<T> {
  return new Promise((resolve) => {
    const derived = state.graph.derive(read, { isSame: () => false });
    const look = () => {
      if (!holds(derived.value)) return;
      resolve(derived.value);
      queueMicrotask(() => unsubscribe());
    };
    const unsubscribe = derived.subscribe(look);
    look();
  });
}

Deno.test("a kind that is not installed is empty, is followed once it is, and is empty again when it is removed", async () => {
  const kube = new FakeKube();
  kube.missing.add("gateway.networking.k8s.io/v1").add("gateway.networking.k8s.io/v1alpha2");
  kube.put(HTTP_ROUTES, route("first"));
  const state = new ClusterState(kube, { retryMs: 1 });
  await state.ready;
  const names = () => state.grpcRoutes.all().map(({ name }) => name);
  assert.deepEqual(names(), []);
  assert.equal(state.httpRoutes.size, 1);

  kube.put(GRPC_ROUTES, route("late"));
  kube.missing.delete("gateway.networking.k8s.io/v1");
  assert.deepEqual(await until(state, names, (all) => all.length > 0), ["late"]);
  assert.equal(state.tlsRoutes.size, 0);

  kube.uninstall(GRPC_ROUTES);
  await until(state, names, (all) => all.length === 0);
  kube.missing.clear();
  kube.put(GRPC_ROUTES, route("again"));
  kube.put(TLS_ROUTES, { ...route("tls"), spec: { rules: [] } });
  assert.deepEqual(await until(state, names, (all) => all.length > 0), ["again"]);
  await until(state, () => state.tlsRoutes.all(), (all) => all.length === 1);
  state.stop();
});

Deno.test("kinds of one version that are not there cost one question together", async () => {
  const kube = new FakeKube();
  kube.missing.add("gateway.networking.k8s.io/v1alpha2");
  const asked: string[] = [];
  const raw = kube.raw.bind(kube);
  kube.raw = (method, path) => {
    asked.push(path);
    return raw(method, path);
  };
  const state = new ClusterState(kube, { retryMs: 3_600_000 });
  await state.ready;
  assert.equal(asked.filter((path) => path.endsWith("gateway.networking.k8s.io/v1alpha2")).length, 1);
  state.stop();
});
