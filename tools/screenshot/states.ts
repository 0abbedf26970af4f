/** Every state of the dashboard's pages, of a mesh that is played, for people to look at. */
import { startDashboard } from "../../src/dashboard/server.ts";
import { startFixtureApi } from "../../tests/browser/fixture_api.ts";
import type { Camera, Shot } from "./camera.ts";

const WORKLOAD = "/namespaces/shop/deployments/web";
const SHOP: readonly Shot[] = [
  { file: "shop", path: "/namespaces/shop" },
  { file: "workload", path: WORKLOAD, height: 1500 },
  { file: "all-light", path: "/", height: 1200 },
  { file: "all-dark", path: "/", scheme: "dark", height: 1200 },
  { file: "shop-dark", path: "/namespaces/shop", scheme: "dark" },
  { file: "workload-dark", path: WORKLOAD, scheme: "dark", height: 1060 },
  { file: "workload-tcp", path: "/namespaces/shop/statefulsets/store" },
  { file: "workload-slow-pod", path: "/namespaces/shop/deployments/catalog?window=1h" },
  { file: "workload-unmeshed", path: "/namespaces/shop/deployments/legacy-tax" },
  { file: "workload-waiting", path: "/namespaces/logistics/deployments/carriers", scheme: "dark" },
  { file: "not-found", path: "/namespaces/shop/deployments/nobody" },
  { file: "phone", path: "/", width: 390, height: 844 },
  { file: "phone-workload", path: WORKLOAD, width: 390, height: 844, scheme: "dark" },
  { file: "plain", path: "/namespaces/shop", isScripted: false },
  { file: "plain-workload", path: WORKLOAD, isScripted: false },
];
const EMPTY: readonly Shot[] = [
  { file: "empty", path: "/" },
  { file: "empty-default", path: "/namespaces/default", scheme: "dark" },
];
const UNMESHED: readonly Shot[] = [
  { file: "unmeshed", path: "/" },
  { file: "unmeshed-shop", path: "/namespaces/shop", scheme: "dark" },
];
const DOWN: readonly Shot[] = [
  { file: "down", path: "/" },
  { file: "down-dark", path: "/", scheme: "dark" },
];

async function withFixture(
  camera: Camera,
  scenario: "shop" | "empty" | "unmeshed",
  shots: readonly Shot[],
  isDown = false,
): Promise<void> {
  const api = startFixtureApi({ scenario });
  if (isDown) await api.stop();
  const dashboard = await startDashboard({
    port: 0,
    hostname: "127.0.0.1",
    metricsApi: api.url,
    intervalMs: 500,
  });
  for (const shot of shots) await camera.shoot(`http://127.0.0.1:${dashboard.port}`, shot);
  await dashboard.stop();
  if (!isDown) await api.stop();
}

export async function shootStates(camera: Camera): Promise<void> {
  await withFixture(camera, "shop", SHOP);
  await withFixture(camera, "empty", EMPTY);
  await withFixture(camera, "unmeshed", UNMESHED);
  await withFixture(camera, "shop", DOWN, true);
}
