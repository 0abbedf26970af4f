import assert from "node:assert/strict";
import { isolatedTest } from "../linux/isolated.ts";
import { createNamespace, inNamespaces, type Namespace } from "../linux/namespace.ts";
import { Links } from "../linux/netlink/link.ts";
import { openNftables } from "../linux/netlink/nftables/batch.ts";
import { listRules, listTables } from "../linux/netlink/nftables/dump.ts";
import { Routes } from "../linux/netlink/route.ts";
import { accept, close, connectTcp, listenTcp, originalDestination, socketError } from "../linux/socket.ts";
import { runInit } from "./main.ts";
import { removeRules } from "./rules.ts";

const ARGS = [
  "--incoming-proxy-port=4143",
  "--outgoing-proxy-port=4140",
  "--proxy-uid=2102",
  "--inbound-ports-to-ignore=4190,4191",
  "--outbound-ports-to-ignore=4567",
];

/** A pod (10.9.0.2) and a node (10.9.0.1) joined by a cable. */
function joinPod(): Namespace {
  const pod = createNamespace("net");
  const links = new Links(), routes = new Routes();
  links.setUp("lo");
  links.createVeth({ name: "pod0", peerName: "eth0", peerNamespace: pod.fd });
  routes.addAddress(links.indexOf("pod0"), "10.9.0.1/24");
  inNamespaces({ enter: [pod] }, () => {
    const inside = new Links(), insideRoutes = new Routes();
    inside.setUp("lo");
    inside.setUp("eth0");
    insideRoutes.addAddress(inside.indexOf("eth0"), "10.9.0.2/24");
    insideRoutes.addRoute({ gateway: "10.9.0.1" });
  });
  return pod;
}

/** Connects, and says where `listener` sees the connection was going; undefined when it does not arrive there. */
function arrivesAt(listener: number, ip: string, port: number, mark = 0, from?: Namespace) {
  const connect = () => connectTcp({ ip, port }, mark);
  const fd = from === undefined ? connect() : inNamespaces({ enter: [from] }, connect);
  if (fd < 0) return undefined;
  // Loopback and veth deliver a handshake within connect(): the listener has it now or never.
  const accepted = accept(listener);
  const original = accepted < 0 ? undefined : originalDestination(accepted);
  if (accepted >= 0) close(accepted);
  close(fd);
  return original;
}

isolatedTest("connections are redirected and their original destination is known", import.meta.url, () => {
  const pod = joinPod();
  const lines: string[] = [];
  const inPod = <T>(work: () => T) => inNamespaces({ enter: [pod] }, work);
  assert.equal(inPod(() => runInit(ARGS, (line) => lines.push(line))), 0, lines.join("\n"));
  // Once more: what is there is replaced, not doubled.
  assert.equal(inPod(() => runInit(ARGS, () => {})), 0);
  const outbound = inPod(() => listenTcp({ ip: "127.0.0.1", port: 4140 }));
  const inbound = inPod(() => listenTcp({ ip: "0.0.0.0", port: 4143 }));
  const other = inPod(() => listenTcp({ ip: "0.0.0.0", port: 4191 }));
  const near = listenTcp({ ip: "10.9.0.1", port: 8080 });

  assert.deepEqual(arrivesAt(outbound, "10.43.7.7", 80, 0, pod), { ip: "10.43.7.7", port: 80 });
  assert.deepEqual(arrivesAt(outbound, "10.9.0.1", 8080, 0, pod), { ip: "10.9.0.1", port: 8080 });
  assert.deepEqual(arrivesAt(inbound, "10.9.0.2", 3000), { ip: "10.9.0.2", port: 3000 });

  const countAt = (listener: number, ip: string, port: number, mark: number, from?: Namespace) => {
    const connect = () => connectTcp({ ip, port }, mark);
    const fd = from === undefined ? connect() : inNamespaces({ enter: [from] }, connect);
    const accepted = accept(listener);
    close(fd);
    if (accepted >= 0) close(accepted);
    return accepted >= 0;
  };
  assert.ok(countAt(near, "10.9.0.1", 8080, 0x4c5d, pod), "the proxy's mark exempts its connections");
  assert.ok(countAt(other, "10.9.0.2", 4191, 0), "ignored inbound ports are reached directly");
  assert.ok(countAt(other, "127.0.0.1", 4191, 0, pod), "loopback is left alone");

  const rules = inPod(() => listRules(openNftables(), "inet", "linkerd"));
  assert.equal(
    rules.filter(({ comment }) => comment === "proxy-init/redirect-all-outgoing-to-proxy-port").length,
    1,
  );
  assert.ok(rules.some(({ expressions }) => expressions.includes("redir")));

  inPod(() => removeRules(openNftables(), true));
  assert.deepEqual(inPod(() => listTables(openNftables(), "inet")), []);
  assert.equal(socketError(near), 0);
  for (const fd of [outbound, inbound, other, near]) close(fd);
});

isolatedTest("connections of the proxy's user are not redirected", import.meta.url, async (place) => {
  if (place !== "root") return; // one user id is mapped there: the mark stands in, as tested above
  const pod = joinPod();
  const inPod = <T>(work: () => T) => inNamespaces({ enter: [pod] }, work);
  assert.equal(inPod(() => runInit(ARGS, () => {})), 0);
  const outbound = inPod(() => listenTcp({ ip: "127.0.0.1", port: 4140 }));
  const near = Deno.listen({ hostname: "10.9.0.1", port: 8080 });
  const script = "exec 3<>/dev/tcp/10.9.0.1/8080 && echo connected";
  const as = (uid: string) =>
    inPod(() =>
      new Deno.Command("setpriv", {
        args: ["--reuid", uid, "--clear-groups", "bash", "-c", script],
        stderr: "null",
      })
        .spawn()
    );
  const accepted = near.accept();
  assert.equal((await as("2102").status).code, 0);
  (await accepted).close();
  await as("2101").status;
  const redirected = accept(outbound);
  assert.ok(redirected >= 0);
  assert.deepEqual(originalDestination(redirected), { ip: "10.9.0.1", port: 8080 });
  near.close();
});

isolatedTest("the namespace of a path is changed, not one's own", import.meta.url, async () => {
  const holder = inNamespaces(
    { unshare: ["net"] },
    () => new Deno.Command("sleep", { args: ["1000"] }).spawn(),
  );
  const path = `/proc/${holder.pid}/ns/net`;
  assert.equal(runInit([...ARGS, "--netns", path], () => {}), 0);
  assert.deepEqual(listTables(openNftables(), "inet"), []);
  const inside = inNamespaces({
    enter: [(await import("../linux/namespace.ts")).openNamespaceOf(holder.pid, "net")],
  }, () => listTables(openNftables(), "inet"));
  assert.deepEqual(inside, ["linkerd"]);
  holder.kill("SIGKILL");
  await holder.status;
});

Deno.test("simulation prints the rules and changes nothing; bad flags exit 1 with one line", () => {
  const lines: string[] = [];
  assert.equal(runInit([...ARGS, "--simulate"], (line) => lines.push(line)), 0);
  assert.ok(
    lines.some((line) =>
      line.endsWith('redirect to :4140 comment "proxy-init/redirect-all-outgoing-to-proxy-port"')
    ),
  );
  lines.length = 0;
  assert.equal(runInit(["--bogus"], (line) => lines.push(line)), 1);
  assert.deepEqual(lines, ["proxy-init: unknown flag: --bogus"]);
});

Deno.test({
  name: "without the permission, one sentence says what is missing and how to get it",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const main = new URL("./main.ts", import.meta.url).pathname;
    const command = [Deno.execPath(), "run", "-A", "--no-check", main, ...ARGS];
    const drop = Deno.uid() === 0 ? ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"] : [];
    const [first, ...rest] = [...drop, ...command];
    const { code, stderr } = await new Deno.Command(first!, { args: rest }).output();
    const text = new TextDecoder().decode(stderr);
    assert.equal(code, 1);
    assert.match(
      text,
      /level=error msg="redirecting connections needs CAP_NET_ADMIN in this network namespace/,
    );
    assert.equal(text.trim().split("\n").length, 1);
  },
});
