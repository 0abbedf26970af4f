import { deepEqual, equal, match, ok } from "node:assert/strict";
import { Installer } from "./installer.ts";

const ENTRY = { type: "linkerd-cni", linkerd: { "proxy-uid": 2102 } };
const LIST = JSON.stringify({ cniVersion: "1.0.0", name: "net", plugins: [{ type: "calico" }] });

/** A node's directories, and a program that is as small as can be. */
function makeNode() {
  const root = Deno.makeTempDirSync();
  for (const name of ["net.d", "bin", "image/lib"]) Deno.mkdirSync(`${root}/${name}`, { recursive: true });
  for (const [name, text] of [["deno", "runtime"], ["plugin.js", "script"], ["lib/libc.so.6", "c"]]) {
    Deno.writeTextFileSync(`${root}/image/${name}`, text!);
  }
  Deno.writeTextFileSync(`${root}/image/lib/ld-linux-x86-64.so.2`, "loader");
  const log: string[] = [];
  let token = "one";
  const make = (script = "plugin.js") =>
    new Installer({
      networkDirectory: { here: `${root}/net.d`, there: "/etc/cni/net.d" },
      binaryDirectory: { here: `${root}/bin`, there: "/opt/cni/bin" },
      program: {
        runtime: `${root}/image/deno`,
        libraries: `${root}/image/lib`,
        script: `${root}/image/${script}`,
      },
      entry: ENTRY,
      kubeconfig: () => `token: ${token}`,
      log: (line) => log.push(line),
    });
  return {
    root,
    log,
    make,
    write: (name: string, text: string) => Deno.writeTextFileSync(`${root}/${name}`, text),
    read: (name: string) => Deno.readTextFileSync(`${root}/${name}`),
    list: (name: string) => [...Deno.readDirSync(`${root}/${name}`)].map(({ name }) => name).sort(),
    renewToken: () => token = "two",
    remove: () => Deno.removeSync(root, { recursive: true }),
  };
}

function typesIn(text: string): string {
  return JSON.parse(text).plugins.map(({ type }: { type: string }) => type).join();
}

Deno.test("the plugin is installed once there is a configuration, and nothing is written when all is right", () => {
  const node = makeNode(), installer = node.make();
  const early = installer.sync();
  equal(early.isReady, false);
  match(early.problem!, /no network configuration in \/etc\/cni\/net\.d.*--dest-cni-net-dir/);
  node.write("net.d/10-net.conflist", LIST);
  deepEqual(installer.sync(), { isReady: true, configuration: "/etc/cni/net.d/10-net.conflist", repairs: 0 });
  equal(typesIn(node.read("net.d/10-net.conflist")), "calico,linkerd-cni");
  const written = Deno.statSync(`${node.root}/net.d/10-net.conflist`).ino;
  installer.sync();
  equal(Deno.statSync(`${node.root}/net.d/10-net.conflist`).ino, written);
  deepEqual(node.list("net.d"), ["10-net.conflist", "ZZZ-linkerd-cni-kubeconfig"]);
  const digest = node.list("bin/.linkerd-cni")[0]!;
  deepEqual(node.list(`bin/.linkerd-cni/${digest}`), [
    "deno",
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "plugin.js",
  ]);
  ok(node.read("bin/linkerd-cni").includes(`/opt/cni/bin/.linkerd-cni/${digest}/ld-linux-x86-64.so.2`));
  node.remove();
});

Deno.test("what other installers, people and time undo is mended", () => {
  const node = makeNode(), installer = node.make();
  node.write("net.d/20-net.conflist", LIST);
  installer.sync();
  const mends: readonly (readonly [string, () => void, () => boolean])[] = [
    [
      "written over",
      () => node.write("net.d/20-net.conflist", LIST),
      () => typesIn(node.read("net.d/20-net.conflist")) === "calico,linkerd-cni",
    ],
    [
      "another comes first",
      () => node.write("net.d/10-new.conflist", LIST),
      () => typesIn(node.read("net.d/10-new.conflist")) === "calico,linkerd-cni",
    ],
    [
      "the executable is gone",
      () => Deno.removeSync(`${node.root}/bin/linkerd-cni`),
      () => node.list("bin").includes("linkerd-cni"),
    ],
    [
      "the program is gone",
      () => Deno.removeSync(`${node.root}/bin/.linkerd-cni`, { recursive: true }),
      () => node.list("bin/.linkerd-cni").length === 1,
    ],
    [
      "the token is renewed",
      () => node.renewToken(),
      () => node.read("net.d/ZZZ-linkerd-cni-kubeconfig") === "token: two",
    ],
  ];
  for (const [index, [what, undo, isMended]] of mends.entries()) {
    undo();
    equal(installer.sync().repairs, index + 1, what);
    ok(isMended(), what);
  }
  node.remove();
});

Deno.test("a half-written configuration is waited for", () => {
  const node = makeNode(), installer = node.make();
  node.write("net.d/10-net.conflist", LIST.slice(0, 20));
  match(installer.sync().problem!, /10-net\.conflist is no network configuration/);
  equal(node.read("net.d/10-net.conflist"), LIST.slice(0, 20));
  node.write("net.d/10-net.conflist", LIST);
  equal(installer.sync().isReady, true);
  node.remove();
});

Deno.test("a new version takes the old one's place, and its files are not left", () => {
  const node = makeNode();
  node.write("net.d/10-net.conflist", LIST);
  node.make().sync();
  const [old] = node.list("bin/.linkerd-cni");
  node.write("image/next.js", "another script");
  node.make("next.js").sync();
  const versions = node.list("bin/.linkerd-cni");
  equal(versions.length, 1);
  ok(versions[0] !== old);
  node.remove();
});

Deno.test("removing leaves the node as it was, whether it had a list or a single plugin", () => {
  for (const [name, text] of [["10-net.conflist", LIST], ["10-net.conf", '{"name":"net","type":"bridge"}']]) {
    const node = makeNode(), installer = node.make();
    node.write(`net.d/${name}`, text!);
    equal(installer.sync().configuration, "/etc/cni/net.d/10-net.conflist");
    installer.sync();
    installer.remove();
    deepEqual(node.list("net.d"), [name]);
    deepEqual(JSON.parse(node.read(`net.d/${name}`)), JSON.parse(text!));
    deepEqual(node.list("bin"), []);
    node.remove();
  }
});
