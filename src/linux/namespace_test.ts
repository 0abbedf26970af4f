import assert from "node:assert/strict";
import { isolatedTest } from "./isolated.ts";
import { bindMount, isolateMounts, mountTmpfs, pivotRoot } from "./mount.ts";
import {
  createNamespace,
  inNamespaces,
  openNamespaceOf,
  openOwnNamespace,
  setHostname,
} from "./namespace.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
const linkOf = (kind: string) => Deno.readLinkSync(`/proc/thread-self/ns/${kind}`);

isolatedTest(
  "a process spawned during an excursion is born there, and the thread comes back",
  import.meta.url,
  async () => {
    inNamespaces({ unshare: ["uts"] }, () => {});
    const before = ["net", "mnt", "uts", "pid"].map(linkOf), directory = Deno.cwd();
    const network = createNamespace("net");
    const child = inNamespaces({ enter: [network], unshare: ["mnt", "uts", "pid"] }, () => {
      isolateMounts();
      mountTmpfs("/run");
      setHostname("guest");
      const script =
        "echo $$ $(cat /proc/sys/kernel/hostname) $(ls -A /run | wc -l) $(readlink /proc/self/ns/net)";
      return new Deno.Command("sh", { args: ["-c", script], stdout: "piped" }).spawn();
    });
    assert.deepEqual(["net", "mnt", "uts", "pid"].map(linkOf), before);
    assert.equal(Deno.cwd(), directory);
    const own = openOwnNamespace("net");
    const output = text((await child.output()).stdout);
    const inside = inNamespaces({ enter: [network] }, () => linkOf("net"));
    assert.equal(output, `1 guest 0 ${inside}`);
    assert.notEqual(inside, before[0]);
    own.close();
    network.close();
  },
);

isolatedTest(
  "the namespaces of a running process can be entered, and die with its first process",
  import.meta.url,
  async () => {
    const first = inNamespaces({ unshare: ["pid"] }, () => {
      const child = new Deno.Command("sh", { args: ["-c", "sleep 1000 & wait"] }).spawn();
      return { child, pids: openOwnNamespace("pid") };
    });
    const second = inNamespaces(
      { enter: [first.pids] },
      () => new Deno.Command("sleep", { args: ["1000"] }).spawn(),
    );
    using opened = openNamespaceOf(first.child.pid, "pid");
    assert.equal(opened.kind, "pid");
    first.child.kill("SIGKILL");
    assert.equal((await first.child.status).signal, "SIGKILL");
    assert.equal(
      (await second.status).signal,
      "SIGKILL",
      "the kernel ends all of a pid namespace with its first process",
    );
    first.pids.close();
  },
);

isolatedTest("a new root made of memory and bind mounts replaces the old one", import.meta.url, async () => {
  const room = Deno.makeTempDirSync();
  const child = inNamespaces({ unshare: ["mnt"] }, () => {
    isolateMounts();
    mountTmpfs(room);
    for (const { name, isDirectory, isSymlink } of Deno.readDirSync("/")) {
      if (isSymlink) Deno.symlinkSync(Deno.readLinkSync(`/${name}`), `${room}/${name}`);
      else if (isDirectory) {
        Deno.mkdirSync(`${room}/${name}`);
        bindMount(`/${name}`, `${room}/${name}`);
      }
    }
    Deno.mkdirSync(`${room}/only-inside`);
    Deno.writeTextFileSync(`${room}/only-inside/file`, "seen");
    bindMount(`${room}/only-inside`, `${room}/only-inside`, true);
    pivotRoot(room);
    const script = "cat /only-inside/file; touch /only-inside/x 2>/dev/null || echo ' read-only'";
    return new Deno.Command("sh", { args: ["-c", script], stdout: "piped" }).spawn();
  });
  assert.equal(text((await child.output()).stdout), "seen read-only");
  assert.throws(() => Deno.statSync("/only-inside"), Deno.errors.NotFound);
  Deno.removeSync(room);
});

isolatedTest("an error inside an excursion still brings the thread back", import.meta.url, () => {
  const before = linkOf("net");
  assert.throws(() =>
    inNamespaces({ unshare: ["net"] }, () => {
      assert.notEqual(linkOf("net"), before);
      throw new Error("on purpose");
    }), /on purpose/);
  assert.equal(linkOf("net"), before);
});
