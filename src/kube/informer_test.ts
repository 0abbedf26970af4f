import assert from "node:assert/strict";
import { type KubeClient, KubeError, type ListOptions, type WatchOptions } from "./client.ts";
import { startInformer } from "./informer.ts";
import { CONFIG_MAPS, type ConfigMap } from "./kinds.ts";
import type { WatchEvent } from "./resource.ts";

const map = (name: string, version: number, uid = name): ConfigMap => ({
  metadata: { name, namespace: "default", uid, resourceVersion: String(version) },
});

/** A script of what the API answers: lists, and watches that yield events and then end or fail. */
class Script {
  readonly lists: ListOptions[] = [];
  readonly watches: WatchOptions[] = [];
  readonly waits: number[] = [];
  readonly errors: unknown[] = [];
  readonly #lists: ((() => { items: ConfigMap[]; version: string; next?: string }))[];
  readonly #watches: (WatchEvent<ConfigMap> | Error)[][];
  readonly done = Promise.withResolvers<void>();

  constructor(
    lists: (() => { items: ConfigMap[]; version: string; next?: string })[],
    watches: (WatchEvent<ConfigMap> | Error)[][],
  ) {
    this.#lists = lists;
    this.#watches = watches;
  }

  client(): KubeClient {
    return {
      list: async (_kind: unknown, options: ListOptions) => {
        this.lists.push(options);
        const next = this.#lists.shift();
        if (next === undefined) throw new Error("no more lists");
        const { items, version, next: more } = await next();
        return { items, metadata: { resourceVersion: version, ...(more ? { continue: more } : {}) } };
      },
      watch: (_kind: unknown, options: WatchOptions) => this.#watch(options),
    } as unknown as KubeClient;
  }

  async *#watch(options: WatchOptions): AsyncGenerator<WatchEvent<ConfigMap>> {
    this.watches.push(options);
    const events = this.#watches.shift();
    if (events === undefined) {
      this.done.resolve();
      await new Promise((resolve) => options.signal?.addEventListener("abort", resolve));
      return;
    }
    for (const event of events) {
      if (event instanceof Error) throw event;
      yield event;
    }
  }

  start(options: ListOptions = {}) {
    return startInformer(this.client(), CONFIG_MAPS, {
      ...options,
      backoff: (attempt) => {
        this.waits.push(attempt);
        return 0;
      },
      onError: (error) => this.errors.push(error),
    });
  }
}

Deno.test("a watch that ends is resumed from the last version seen, bookmarks included", async () => {
  const script = new Script([() => ({ items: [map("a", 1)], version: "5" })], [
    [{ type: "ADDED", object: map("b", 6) }],
    [{ type: "BOOKMARK", object: map("", 9) }],
  ]);
  const informer = script.start();
  await script.done.promise;
  informer.stop();
  assert.deepEqual(script.watches.map(({ resourceVersion }) => resourceVersion), ["5", "6", "9"]);
  assert.equal(script.lists.length, 1);
  assert.deepEqual([...informer.list()].map(({ metadata }) => metadata!.name), ["a", "b"]);
});

Deno.test("after 410 a new list is compared with the copy: nothing is removed first", async () => {
  const script = new Script([
    () => ({ items: [map("stays", 1), map("goes", 2), map("changes", 3)], version: "5" }),
    () => ({ items: [map("stays", 1), map("changes", 8), map("comes", 9)], version: "10" }),
  ], [[new KubeError(410, "Expired", "too old")]]);
  const informer = script.start();
  const log: string[] = [];
  await informer.synced;
  informer.subscribe({
    added: ({ metadata }) => log.push(`+${metadata!.name}`),
    modified: ({ metadata }) => log.push(`~${metadata!.name}`),
    deleted: ({ metadata }) => log.push(`-${metadata!.name}`),
  });
  await script.done.promise;
  informer.stop();
  assert.deepEqual(log, ["+stays", "+goes", "+changes", "~changes", "+comes", "-goes"]);
  assert.equal(script.watches.at(-1)!.resourceVersion, "10");
});

Deno.test("an ERROR event with 410 leads to a new list too", async () => {
  const status = { kind: "Status", code: 410, reason: "Expired", message: "too old" };
  const script = new Script([
    () => ({ items: [], version: "5" }),
    () => ({ items: [map("a", 7)], version: "7" }),
  ], [[{ type: "ERROR", object: status as never }]]);
  const informer = script.start();
  await script.done.promise;
  informer.stop();
  assert.ok(informer.get("default", "a"));
  assert.deepEqual(script.errors, []);
});

Deno.test("an object deleted and made again under its name while the watch was away is two objects", async () => {
  const script = new Script([
    () => ({ items: [map("a", 1, "first")], version: "5" }),
    () => ({ items: [map("a", 8, "second")], version: "10" }),
  ], [[new KubeError(410, "Expired", "too old")]]);
  const informer = script.start();
  const log: string[] = [];
  await informer.synced;
  informer.subscribe({
    added: ({ metadata }) => log.push(`+${metadata!.uid}`),
    deleted: ({ metadata }) => log.push(`-${metadata!.uid}`),
  });
  await script.done.promise;
  informer.stop();
  assert.deepEqual(log, ["+first", "-first", "+second"]);
});

Deno.test("failures are reported and backed off, longer each time, until something is heard", async () => {
  const refuse = () => {
    throw new Error("connection refused");
  };
  const script = new Script([refuse, refuse, () => ({ items: [], version: "5" })], [
    [new Error("reset")],
    [{ type: "ADDED", object: map("a", 6) }, new Error("reset")],
  ]);
  const informer = script.start();
  await script.done.promise;
  informer.stop();
  assert.equal(script.errors.length, 4);
  assert.deepEqual(script.waits, [1, 2, 3, 1]);
});

Deno.test("a list in pages is one list, and is selected like the watch", async () => {
  const script = new Script([
    () => ({ items: [map("a", 1)], version: "5", next: "token" }),
    () => ({ items: [map("b", 2)], version: "5" }),
  ], []);
  const informer = script.start({ namespace: "default", labelSelector: "app=web" });
  await script.done.promise;
  informer.stop();
  assert.deepEqual(script.lists.map((options) => options.continue), [undefined, "token"]);
  assert.equal([...informer.list()].length, 2);
  assert.equal(script.watches[0]!.labelSelector, "app=web");
  assert.equal(script.watches[0]!.namespace, "default");
});

Deno.test("a handler that throws takes nothing from the others", async () => {
  const script = new Script([() => ({ items: [], version: "5" })], [[{
    type: "ADDED",
    object: map("a", 6),
  }]]);
  const informer = script.start();
  const seen: string[] = [];
  informer.subscribe({
    added: () => {
      throw new Error("mine");
    },
  });
  informer.subscribe({ added: ({ metadata }) => seen.push(metadata!.name!) });
  await script.done.promise;
  informer.stop();
  assert.deepEqual(seen, ["a"]);
  assert.match(String(script.errors[0]), /mine/);
});
