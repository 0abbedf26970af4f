import assert from "node:assert/strict";
import { createProgram } from "../main.ts";
import { SYSTEM } from "../environment.ts";
import { complete, completionTree } from "./completion.ts";
import { startApiServer } from "../../local/api/server.ts";

const GLOBAL = { linkerdNamespace: "linkerd", cniNamespace: "linkerd-cni", verbose: false };

/** The words that are proposed for a command line, the last of them to be completed. */
async function proposed(words: string[], environment = SYSTEM): Promise<string[]> {
  const lines: string[] = [], log = console.log;
  console.log = (line: string) => void lines.push(line);
  try {
    await complete(createProgram(SYSTEM), words, GLOBAL, environment);
  } finally {
    console.log = log;
  }
  return lines.filter((line) => !line.startsWith(":")).map((line) => line.split("\t")[0]!);
}

Deno.test("commands, their flags and the values of these are completed from the program's description", async () => {
  const tree = completionTree(createProgram(SYSTEM), {});
  assert.ok(["install", "local up", "stat", "check"].every((name) => tree.commands.has(name)));
  assert.deepEqual(
    await proposed(["unin"]),
    ["uninject", "uninstall"].filter((name) => tree.commands.has(name)),
  );
  assert.deepEqual(await proposed(["local", "st"]), ["status"]);
  assert.deepEqual(await proposed(["check", "--pr"]), ["--pre", "--proxy"]);
  assert.deepEqual(await proposed(["check", "-o", ""]), ["table", "short", "json"]);
  assert.deepEqual(await proposed(["stat", "deploy"]), ["deployment"]);
  assert.deepEqual(await proposed(["tap", "statefuls"]), ["statefulset"]);
  assert.deepEqual(await proposed(["tap", "--to"]), ["--to", "--to-namespace"]);
  assert.deepEqual(await proposed(["explain", "no-end"]), ["no-endpoints"]);
});

Deno.test("namespaces are completed from the cluster, and a cluster that is not there is no failure", async () => {
  const server = await startApiServer();
  try {
    const connect = () =>
      Promise.resolve({ client: server.client, namespace: "default", server: "", close: () => {} });
    const sleep = () => new Promise<void>(() => {});
    assert.deepEqual(await proposed(["stat", "deploy", "-n", "kube-s"], { ...SYSTEM, connect, sleep }), [
      "kube-system",
    ]);
    const fails = () => Promise.reject(new Error("no cluster"));
    assert.deepEqual(await proposed(["stat", "deploy", "-n", ""], { ...SYSTEM, connect: fails, sleep }), []);
  } finally {
    await server.stop();
  }
});
