import { deepEqual, equal, ok } from "node:assert/strict";
import { EVENTS, type Pod, PODS } from "../kube/kinds.ts";
import { FakeKube } from "../control/testing/fake_kube.ts";
import { startRepair, verdictOn } from "./repair.ts";

function pod(name: string, exitCode: number | undefined, isOwned = true): Pod {
  return {
    metadata: {
      name,
      namespace: "shop",
      uid: name,
      labels: { "linkerd.io/control-plane-ns": "linkerd" },
      ...(isOwned
        ? {
          ownerReferences: [{
            apiVersion: "apps/v1",
            kind: "ReplicaSet",
            name: "rs",
            uid: "1",
            controller: true,
          }],
        }
        : {}),
    },
    spec: { nodeName: "node1", containers: [] },
    status: {
      initContainerStatuses: [{
        name: "linkerd-network-validator",
        image: "",
        imageID: "",
        ready: false,
        restartCount: 1,
        ...(exitCode === undefined
          ? { state: { running: {} } }
          : { lastState: { terminated: { exitCode } } }),
      }],
    },
  } as Pod;
}

Deno.test("only what the validator found without redirection is deleted, and only where it comes back", () => {
  equal(verdictOn(pod("a", 95)), "delete");
  equal(verdictOn(pod("a", 95, false)), "leave");
  equal(verdictOn(pod("a", 1)), "well");
  equal(verdictOn(pod("a", undefined)), "well");
  equal(verdictOn({ metadata: {}, status: {} } as Pod), "well");
  const ending = pod("a", 95);
  const metadata = { ...ending.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" };
  equal(verdictOn({ ...ending, metadata }), "well");
});

Deno.test("pods that came before the plugin are deleted once it is installed, and told of", async () => {
  const kube = new FakeKube(), log: string[] = [];
  let isInstalled = false;
  kube.put(PODS, pod("early", 95));
  const repair = startRepair(kube, "node1", () => isInstalled, (line) => log.push(line));
  const until = async (isDone: () => boolean) => {
    for (let turn = 0; turn < 500 && !isDone(); turn++) await new Promise((done) => setTimeout(done, 2));
    ok(isDone(), log.join("\n"));
  };
  kube.put(PODS, pod("well", undefined));
  await new Promise((done) => setTimeout(done, 10));
  equal(kube.all(PODS).length, 2, "nothing happens before the plugin is there");
  isInstalled = true;
  kube.put(PODS, {
    ...pod("early", 95),
    metadata: { ...pod("early", 95).metadata, annotations: { changed: "1" } },
  });
  kube.put(PODS, pod("alone", 95, false));
  await until(() => kube.all(EVENTS).length === 2 && repair.counts.deleted === 1);
  deepEqual(kube.all(PODS).map(({ metadata }) => metadata?.name).sort(), ["alone", "well"]);
  equal(repair.counts.failed, 0);
  repair.stop();
});
