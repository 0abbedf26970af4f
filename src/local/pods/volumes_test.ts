import assert from "node:assert/strict";
import type { Container, Pod, Volume } from "../../kube/kinds.ts";
import { AtomicDirectory, isSafePath } from "./atomic_directory.ts";
import type { PodFacts, References } from "./environment.ts";
import { Missing } from "./missing.ts";
import type { TokenWish } from "./projection.ts";
import { PodVolumes } from "./volumes.ts";

const configMaps = new Map<string, Record<string, string>>();
const references: References = {
  configMap: (_, name) => configMaps.has(name) ? { data: configMaps.get(name)! } : undefined,
  secret: (_, name) => name === "keys" ? { data: { token: btoa("s3cret"), other: btoa("x") } } : undefined,
};

async function withVolumes(
  volumes: Volume[],
  body: (volumes: PodVolumes, read: (path: string) => string, wishes: TokenWish[]) => Promise<void> | void,
): Promise<void> {
  const directory = Deno.makeTempDirSync();
  const pod: Pod = {
    metadata: { name: "p", namespace: "shop", labels: { app: "web" } },
    spec: { containers: [], volumes },
  };
  const facts: PodFacts = {
    pod,
    podAddress: "10.42.0.5",
    hostAddress: "10.42.0.1",
    nodeName: "laptop",
    allocatable: { cpu: 1, memoryBytes: 1 },
  };
  const wishes: TokenWish[] = [];
  const made = new PodVolumes({
    directory,
    claimsDirectory: `${directory}/claims`,
    facts: () => facts,
    references,
    issueToken: (wish) => {
      wishes.push(wish);
      return Promise.resolve({
        token: `${wish.audience}-${wishes.length}`,
        expiresAt: Date.now() + 1000_000,
      });
    },
  });
  try {
    await body(made, (path) => Deno.readTextFileSync(`${directory}/${path}`), wishes);
  } finally {
    made.close();
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("files of config maps, secrets, labels and tokens are there before the containers", () => {
  configMaps.set("settings", { color: "red", size: "9" });
  return withVolumes([
    { name: "all", configMap: { name: "settings" } },
    {
      name: "some",
      secret: { secretName: "keys", items: [{ key: "token", path: "deep/down", mode: 0o600 }] },
    },
    {
      name: "mixed",
      projected: {
        sources: [
          { configMap: { name: "settings", items: [{ key: "size", path: "size" }] } },
          { downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
          { serviceAccountToken: { path: "token", audience: "identity.l5d.io", expirationSeconds: 86400 } },
        ],
      },
    },
  ], async (volumes, read, wishes) => {
    await volumes.prepare();
    assert.equal(read("all/color"), "red");
    assert.equal(read("some/deep/down"), "s3cret");
    assert.equal(read("mixed/size"), "9");
    assert.equal(read("mixed/labels"), 'app="web"');
    assert.equal(read("mixed/token"), "identity.l5d.io-1");
    assert.deepEqual(wishes, [{ path: "token", audience: "identity.l5d.io", expirationSeconds: 86400 }]);
  });
});

Deno.test("a changed config map shows in a running pod, a deleted one stays, a token is renewed in time", () => {
  configMaps.set("settings", { color: "red" });
  return withVolumes([
    { name: "all", configMap: { name: "settings" } },
    { name: "token", projected: { sources: [{ serviceAccountToken: { path: "token", audience: "a" } }] } },
  ], async (volumes, read) => {
    await volumes.prepare();
    configMaps.set("settings", { color: "blue", more: "x" });
    await volumes.refresh();
    assert.equal(read("all/color"), "blue");
    assert.equal(read("all/more"), "x");
    assert.equal(read("token/token"), "a-1", "not before its time");
    configMaps.delete("settings");
    await volumes.refresh(volumes.renewAt);
    assert.equal(read("all/color"), "blue");
    assert.equal(read("token/token"), "a-2");
    assert.ok(volumes.renewAt > Date.now() + 700_000);
  });
});

for (
  const [volume, message] of [
    [{ configMap: { name: "absent" } }, /^configmap "absent" not found$/],
    [
      { secret: { secretName: "keys", items: [{ key: "nope", path: "x" }] } },
      /^secret "keys" has no key "nope"$/,
    ],
    [{ nfs: { server: "s", path: "/" } }, /no volumes of kind nfs/],
    [{ hostPath: { path: "/absent-on-this-machine" } }, /^hostPath \/absent-on-this-machine/],
  ] as const
) {
  Deno.test(`a volume that cannot be made says why: ${message}`, () =>
    withVolumes([{ name: "v", ...volume } as unknown as Volume], async (volumes) => {
      await assert.rejects(
        volumes.prepare(),
        (error) => error instanceof Missing && message.test(error.message),
      );
    }));
}

Deno.test("what is missing is asked for again, and optional objects may be missing", () => {
  configMaps.clear();
  return withVolumes([
    { name: "later", configMap: { name: "later" } },
    { name: "maybe", configMap: { name: "never", optional: true } },
  ], async (volumes, read) => {
    await assert.rejects(volumes.prepare(), Missing);
    configMaps.set("later", { a: "1" });
    await volumes.prepare();
    assert.equal(read("later/a"), "1");
  });
});

Deno.test("containers get volumes where they mount them, or a part of one, never what lies outside", () =>
  withVolumes([{ name: "data", emptyDir: {} }], async (volumes, read) => {
    await volumes.prepare();
    const binds = (mounts: NonNullable<Container["volumeMounts"]>) =>
      volumes.bindsOf({ name: "app", volumeMounts: mounts }, new Map([["POD", "web-1"]]));
    assert.deepEqual(
      binds([{ name: "data", mountPath: "/data", readOnly: true }]).map(({ target, isReadOnly }) => [
        target,
        isReadOnly,
      ]),
      [["/data", true]],
    );
    const [part] = binds([{ name: "data", mountPath: "/logs", subPathExpr: "logs/$(POD)" }]);
    assert.ok(part?.source.endsWith("/data/logs/web-1"));
    Deno.writeTextFileSync(`${part!.source}/file`, "x");
    assert.equal(read("data/logs/web-1/file"), "x");
    Deno.symlinkSync("/etc", `${part!.source}/out`);
    for (const subPath of ["../x", "/etc", "logs/web-1/out"]) {
      assert.throws(() => binds([{ name: "data", mountPath: "/x", subPath }]), /leaves its volume/, subPath);
    }
    assert.throws(() => binds([{ name: "absent", mountPath: "/x" }]), /unknown volume "absent"/);
  }));

Deno.test("a directory's files change at once, and no path leaves it", () => {
  const path = Deno.makeTempDirSync();
  const directory = new AtomicDirectory(path);
  const file = (text: string) => ({ content: new TextEncoder().encode(text), mode: 0o600 });
  directory.write(new Map([["a", file("1")], ["sub/b", file("2")]]));
  const link = Deno.readLinkSync(`${path}/..data`);
  directory.write(new Map([["a", file("1")], ["sub/b", file("2")]]));
  assert.equal(Deno.readLinkSync(`${path}/..data`), link, "nothing is written when nothing changed");
  directory.write(new Map([["sub/c", file("3")]]));
  assert.deepEqual(
    [...Deno.readDirSync(path)].map(({ name }) => name).filter((name) => !name.startsWith("..")),
    ["sub"],
  );
  assert.equal(Deno.readTextFileSync(`${path}/sub/c`), "3");
  assert.equal((Deno.statSync(`${path}/sub/c`).mode ?? 0) & 0o777, 0o600);
  assert.throws(() => Deno.statSync(`${path}/sub/b`), Deno.errors.NotFound);
  assert.deepEqual(["a", "a/b", "..a", "/a", "a/../b", "", "a//b", "./a"].map(isSafePath), [
    true,
    true,
    ...new Array(6).fill(false),
  ]);
  assert.throws(() => directory.write(new Map([["../x", file("")]])), /invalid path/);
  Deno.removeSync(path, { recursive: true });
});
