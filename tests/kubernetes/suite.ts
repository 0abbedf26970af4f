/**
 * The mesh on a real Kubernetes node: `deno task test:kubernetes`. Two nodes, each with one story from its
 * installation to its end, under the demo's load; the load's own counts are the yardstick.
 *
 * It builds what it needs once (about five minutes) and keeps it under .cache. Where a node cannot be run, it says in one
 * sentence what is missing, and fails where CI is set.
 */
import configuration from "../../deno.json" with { type: "json" };
import {
  type KubernetesCluster,
  kubernetesObstacle,
  prepareKubernetes,
  startKubernetes,
} from "./harness/cluster.ts";
import {
  breakCni,
  expectNoInitContainers,
  installWithCni,
  overwriteChain,
  removeCni,
  repairEarlyPods,
} from "./scenarios/cni.ts";
import { describe } from "./harness/describe.ts";
import { killControlPlane, stopApiServer } from "./scenarios/faults.ts";
import { idleMemory, webhookLatency } from "./scenarios/figures.ts";
import { installEverything, renderTwice } from "./scenarios/installing.ts";
import { lookAround } from "./scenarios/looking.ts";
import { startWithoutControlPlane } from "./scenarios/newcomers.ts";
import { rotateAnchors } from "./scenarios/rotation.ts";
import { deployShop, everyday, upgrade } from "./scenarios/traffic.ts";
import { uninstallEverything } from "./scenarios/uninstalling.ts";

const obstacle = kubernetesObstacle();
if (obstacle !== undefined) {
  if (Deno.env.get("CI")) throw new Error(obstacle);
  console.log(`the tests on a real Kubernetes node are skipped: ${obstacle}`);
}

const NEXT = `${configuration.version}-next`;

type Step = readonly [string, (cluster: KubernetesCluster) => Promise<void>];
const STORY: readonly Step[] = [
  ["an empty cluster has the mesh, and every check is √, within 30 s", installEverything],
  ["what is rendered twice is the same, and changes nothing that is applied", renderTwice],
  ["the idle control plane has at most 200 MB for itself", idleMemory],
  ["the webhook answers 99 of 100 reviews within 20 ms", webhookLatency],
  ["an application in an annotated namespace is meshed, and every edge is mutual TLS", deployShop],
  ["calls, controllers and the dashboard are there to be looked at", lookAround],
  ["rolling, scaling and evicting cost no request", everyday],
  [
    "pods made while a part of the control plane is away wait or start by the rule, and say so",
    startWithoutControlPlane,
  ],
  ["every pod of the control plane killed costs no request", killControlPlane],
  ["an API server that is away costs no request", stopApiServer],
  ["an upgrade costs no request", (cluster) => upgrade(cluster, NEXT)],
  ["anchors changed from end to end cost no request and no restart", rotateAnchors],
  ["an uninstalled mesh leaves nothing, and applications run on", uninstallEverything],
];

const STORY_WITH_CNI: readonly Step[] = [
  ["with the CNI plugin on every node the mesh is installed, and every check is √", installWithCni],
  ["an application in an annotated namespace is meshed, and every edge is mutual TLS", deployShop],
  ["no container may change a network, and rolling costs no request", expectNoInitContainers],
  ["six broken set-ups are found by the check, each by its cause", breakCni],
  ["a chain that another installer wrote over is mended", overwriteChain],
  ["pods that came before the plugin fail loudly, and are made anew", repairEarlyPods],
  ["a plugin that is deleted leaves the node as it was", removeCni],
];

/** Registers a story: the next step makes no sense where one failed. */
function tell(name: string, story: readonly Step[], versions: readonly string[]): void {
  Deno.test({
    name,
    ignore: obstacle !== undefined,
    async fn(t) {
      const cluster = await startKubernetes(await prepareKubernetes(versions));
      try {
        for (const [name, step] of story) {
          const fn = () => step(cluster);
          if (await t.step({ name, fn, sanitizeOps: false, sanitizeResources: false })) continue;
          console.log(await describe(cluster));
          break;
        }
      } finally {
        await cluster.stop();
      }
    },
  });
}

tell("the mesh on a real Kubernetes node, from its installation to its end, under load", STORY, [
  configuration.version,
  NEXT,
]);
tell("the mesh on a real Kubernetes node with the CNI plugin, under load", STORY_WITH_CNI, [
  configuration.version,
]);
