import assert from "node:assert/strict";
import { KubeError } from "../../../kube/client.ts";
import { decodeProtobuf } from "./protobuf.ts";

const encoder = new TextEncoder();

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

function bytes(number: number, content: string | Uint8Array): Uint8Array {
  const body = typeof content === "string" ? encoder.encode(content) : content;
  return new Uint8Array([...varint(number * 8 + 2), ...varint(body.length), ...body]);
}

function number(at: number, value: number): Uint8Array {
  return new Uint8Array([...varint(at * 8), ...varint(value)]);
}

function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

function envelope(apiVersion: string, kind: string, raw: Uint8Array): Uint8Array {
  const type = join(bytes(1, apiVersion), bytes(2, kind));
  return join(new Uint8Array([0x6b, 0x38, 0x73, 0]), bytes(1, type), bytes(2, raw));
}

const entry = (key: string, value: string) => join(bytes(1, key), bytes(2, value));

/** A Deployment of nobody's client, with every form a field can have. */
const deployment = envelope(
  "apps/v1",
  "Deployment",
  join(
    bytes(1, join(bytes(1, "web"), bytes(2, ""), bytes(11, entry("app", "web")), bytes(8, join()))),
    bytes(
      2,
      join(
        number(1, 0),
        bytes(
          3,
          join(
            bytes(1, join(bytes(11, entry("app", "web")))),
            bytes(
              2,
              join(
                bytes(1, join(bytes(1, "cache"), bytes(2, bytes(2, join())))),
                bytes(
                  2,
                  join(
                    bytes(1, "web"),
                    bytes(8, bytes(1, join(bytes(1, "cpu"), bytes(2, bytes(1, "100m"))))),
                    bytes(
                      11,
                      bytes(
                        1,
                        bytes(2, join(bytes(1, "/ready"), bytes(2, join(number(1, 1), bytes(3, "http"))))),
                      ),
                    ),
                  ),
                ),
                number(4, 5),
                number(11, 0),
              ),
            ),
          ),
        ),
      ),
    ),
  ),
);

Deno.test("zeros of pointers stay, other zeros are fields left out, inlined fields stand where JSON has them", () => {
  assert.deepEqual(decodeProtobuf(deployment), {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", labels: { app: "web" } },
    spec: {
      replicas: 0,
      template: {
        metadata: { labels: { app: "web" } },
        spec: {
          volumes: [{ name: "cache", emptyDir: {} }],
          containers: [{
            name: "web",
            resources: { limits: { cpu: "100m" } },
            readinessProbe: { httpGet: { path: "/ready", port: "http" } },
          }],
          terminationGracePeriodSeconds: 5,
        },
      },
    },
  });
});

Deno.test("bytes of a Secret come out as base64", () => {
  const data = join(bytes(1, "key"), bytes(2, new Uint8Array([0, 255])));
  assert.deepEqual(decodeProtobuf(envelope("v1", "Secret", bytes(2, data))), {
    apiVersion: "v1",
    kind: "Secret",
    data: { key: "AP8=" },
  });
});

Deno.test("a body cut anywhere, or with any byte changed, is read or refused and never crashes", () => {
  const attempt = (body: Uint8Array) => {
    try {
      decodeProtobuf(body);
    } catch (error) {
      assert.ok(error instanceof KubeError && (error.status === 400 || error.status === 415), String(error));
    }
  };
  for (let size = 0; size < deployment.length; size++) attempt(deployment.subarray(0, size));
  for (let at = 0; at < deployment.length; at++) {
    for (const flip of [1, 8, 0x80, 0xff]) {
      const changed = deployment.slice();
      changed[at]! ^= flip;
      attempt(changed);
    }
  }
});

Deno.test("a kind whose numbers are not known is refused with 415 and what to send instead", () => {
  assert.throws(
    () => decodeProtobuf(envelope("example.com/v1", "Thing", new Uint8Array())),
    (error) => error instanceof KubeError && error.status === 415 && /application\/json/.test(error.message),
  );
});
