import assert from "node:assert/strict";
import type { Informer, InformerHandler } from "../../kube/informer.ts";
import type { EndpointSlice, Service } from "../../kube/kinds.ts";
import { CODE, parseQuery, TYPE } from "./message.ts";
import { Names } from "./names.ts";
import { answerBytes, startDns } from "./server.ts";

/** An informer whose content a test sets. */
function held<T>(items: T[]): Informer<T> & { change(items: T[]): void } {
  const handlers = new Set<InformerHandler<T>>();
  return {
    synced: Promise.resolve(),
    get: () => undefined,
    list: () => items,
    subscribe: (handler) => {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    staleness: () => 0,
    stop: () => {},
    change: (next) => {
      items = next;
      for (const handler of handlers) handler.modified?.(next[0]!, next[0]!);
    },
  };
}

const service = (name: string, spec: NonNullable<Service["spec"]>): Service => ({
  metadata: { namespace: "shop", name },
  spec,
});
const slice = (
  name: string,
  endpoints: EndpointSlice["endpoints"],
  ports: NonNullable<EndpointSlice["ports"]>,
): EndpointSlice => ({
  metadata: { namespace: "shop", name: `${name}-1`, labels: { "kubernetes.io/service-name": name } },
  addressType: "IPv4",
  endpoints,
  ports,
});

const SERVICES = [
  service("web", {
    clusterIP: "10.43.0.7",
    ports: [{ name: "http", port: 80 }, { name: "dns", port: 53, protocol: "UDP" }],
  }),
  service("db", { clusterIP: "None", ports: [{ name: "sql", port: 5432 }] }),
  service("many", { clusterIP: "None", ports: [{ name: "http", port: 80 }] }),
  service("alias", { type: "ExternalName", externalName: "web.shop.svc.cluster.local" }),
];
const MANY = Array.from({ length: 120 }, (_, i) => ({ addresses: [`10.42.1.${i}`] }));
const SLICES = [
  slice("db", [
    { addresses: ["10.42.0.5"], hostname: "db-0" },
    { addresses: ["10.42.0.6"] },
    { addresses: ["10.42.0.7"], conditions: { ready: false } },
  ], [{ name: "sql", port: 15432 }]),
  slice("many", MANY, [{ name: "http", port: 80 }]),
];

const names = new Names(SERVICES, SLICES);
const ask = (name: string, type: keyof typeof TYPE) => {
  const { code, answers } = names.answer(name, TYPE[type]);
  if (code !== CODE.ok) return `code ${code}`;
  return answers.map(({ data }) =>
    data.type === "A" ? data.address : data.type === "SRV" ? `${data.target}:${data.port}` : data.name
  );
};

for (
  const [name, type, expected] of [
    ["web.shop.svc.cluster.local", "A", ["10.43.0.7"]],
    ["WEB.Shop.svc.cluster.LOCAL", "A", ["10.43.0.7"]],
    ["web.shop.svc.cluster.local", "AAAA", []],
    ["_http._tcp.web.shop.svc.cluster.local", "SRV", ["web.shop.svc.cluster.local:80"]],
    ["_dns._udp.web.shop.svc.cluster.local", "SRV", ["web.shop.svc.cluster.local:53"]],
    ["_dns._tcp.web.shop.svc.cluster.local", "SRV", "code 3"],
    ["db.shop.svc.cluster.local", "A", ["10.42.0.5", "10.42.0.6"]],
    ["db-0.db.shop.svc.cluster.local", "A", ["10.42.0.5"]],
    ["10-42-0-6.db.shop.svc.cluster.local", "A", ["10.42.0.6"]],
    ["10-42-0-7.db.shop.svc.cluster.local", "A", "code 3"],
    ["_sql._tcp.db.shop.svc.cluster.local", "SRV", [
      "db-0.db.shop.svc.cluster.local:15432",
      "10-42-0-6.db.shop.svc.cluster.local:15432",
    ]],
    ["alias.shop.svc.cluster.local", "A", ["web.shop.svc.cluster.local", "10.43.0.7"]],
    ["10-42-0-5.shop.pod.cluster.local", "A", ["10.42.0.5"]],
    ["7.0.43.10.in-addr.arpa", "PTR", ["web.shop.svc.cluster.local"]],
    ["5.0.42.10.in-addr.arpa", "PTR", ["db-0.db.shop.svc.cluster.local"]],
    ["shop.svc.cluster.local", "A", []],
    ["svc.cluster.local", "A", []],
    ["missing.shop.svc.cluster.local", "A", "code 3"],
    ["web.missing.svc.cluster.local", "A", "code 3"],
    ["example.com", "A", "code 3"],
    ["example.com.shop.svc.cluster.local", "A", "code 3"],
    ["", "A", "code 3"],
  ] as const
) {
  Deno.test(`${type} of ${JSON.stringify(name)} is ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(ask(name, type), expected);
  });
}

Deno.test("a resolver gets addresses, ports and absence, by UDP and, when cut, by TCP; and follows changes", async () => {
  const services = held(SERVICES), slices = held(SLICES);
  const server = await startDns({ address: "127.0.0.1", port: 0, services, slices });
  const nameServer = { ipAddr: "127.0.0.1", port: server.port };
  try {
    assert.deepEqual(await Deno.resolveDns("web.shop.svc.cluster.local.", "A", { nameServer }), [
      "10.43.0.7",
    ]);
    const ports = await Deno.resolveDns("_sql._tcp.db.shop.svc.cluster.local.", "SRV", { nameServer });
    assert.deepEqual(ports.map(({ port, target }) => `${target}:${port}`), [
      "db-0.db.shop.svc.cluster.local.:15432",
      "10-42-0-6.db.shop.svc.cluster.local.:15432",
    ]);
    assert.equal((await Deno.resolveDns("many.shop.svc.cluster.local.", "A", { nameServer })).length, 120);
    for (
      const [name, type] of [["missing.shop.svc.cluster.local.", "A"], [
        "web.shop.svc.cluster.local.",
        "AAAA",
      ]] as const
    ) {
      await assert.rejects(Deno.resolveDns(name, type, { nameServer }), Deno.errors.NotFound);
    }
    services.change([service("web", { clusterIP: "10.43.0.8", ports: [{ port: 80 }] })]);
    assert.deepEqual(await Deno.resolveDns("web.shop.svc.cluster.local.", "A", { nameServer }), [
      "10.43.0.8",
    ]);
  } finally {
    server.close();
  }
});

Deno.test("a long answer is cut and marked for UDP, whole for TCP", () => {
  const question = queryBytes("many.shop.svc.cluster.local", TYPE.A);
  const short = answerBytes(names, question, false)!, long = answerBytes(names, question, true)!;
  assert.ok(short.length <= 512);
  assert.equal(short[2]! & 2, 2);
  assert.equal(long[2]! & 2, 0);
  assert.equal(new DataView(long.buffer).getUint16(6), 120);
});

function queryBytes(name: string, type: number): Uint8Array {
  const labels = name.split(".").flatMap((label) => [label.length, ...new TextEncoder().encode(label)]);
  return Uint8Array.of(0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, type, 0, 1);
}

Deno.test("whatever bytes arrive, there is an answer of the right id or none, and never an error", () => {
  const whole = queryBytes("web.shop.svc.cluster.local", TYPE.A);
  for (let cut = 0; cut < whole.length; cut++) {
    const reply = answerBytes(names, whole.subarray(0, cut), false);
    assert.ok(reply === undefined ? cut < 12 : reply[0] === 0x12 && (reply[3]! & 15) === CODE.malformed);
  }
  let seed = 1;
  const random = () => seed = seed * 1103515245 + 12345 & 0x7fffffff;
  for (let i = 0; i < 20_000; i++) {
    const bytes = whole.slice();
    for (let changes = random() % 4; changes >= 0; changes--) bytes[random() % bytes.length] = random() & 255;
    answerBytes(names, bytes, i % 2 === 0);
  }
  assert.equal(
    parseQuery(Uint8Array.of(0, 0, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0)),
    "ignored",
    "an answer is not answered",
  );
});

Deno.test("a Service whose slice has no endpoints, as Kubernetes writes it, keeps no other name from being answered", () => {
  const empty = slice("many", null as unknown as EndpointSlice["endpoints"], []);
  const some = new Names(SERVICES, [SLICES[0]!, empty]);
  assert.equal(some.answer("db.shop.svc.cluster.local", TYPE.A).answers.length, 2);
  assert.deepEqual(some.answer("many.shop.svc.cluster.local", TYPE.A).answers, []);
});
