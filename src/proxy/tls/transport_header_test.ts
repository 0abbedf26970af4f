import { deepEqual, equal } from "node:assert/strict";
import { decodeTransportHeader, encodeTransportHeader, type TransportHeader } from "./transport_header.ts";

const HEADERS: TransportHeader[] = [
  { port: 6379, name: "", protocol: undefined },
  { port: 80, name: "", protocol: "http1" },
  { port: 65535, name: "web.shop.svc.cluster.local", protocol: "http2" },
];

Deno.test("what is written is read back, with the length that was used", () => {
  for (const header of HEADERS) {
    const encoded = encodeTransportHeader(header);
    const longer = new Uint8Array([...encoded, 1, 2, 3]);
    deepEqual(decodeTransportHeader(longer), { kind: "header", header, length: encoded.length });
  }
});

Deno.test("the encoding is the one on the wire", () => {
  const bytes = encodeTransportHeader({ port: 8080, name: "", protocol: "http1" });
  equal(new TextDecoder().decode(bytes.subarray(0, 23)), "transport.l5d.io/v1\r\n\r\n");
  deepEqual([...bytes.subarray(23)], [0, 0, 0, 7, 0x08, 0x90, 0x3f, 0x1a, 0x02, 0x0a, 0x00]);
});

Deno.test("every truncation asks for more", () => {
  for (const header of HEADERS) {
    const encoded = encodeTransportHeader(header);
    for (let length = 0; length < encoded.length; length++) {
      equal(decodeTransportHeader(encoded.slice(0, length)).kind, "more", `${length} bytes`);
    }
  }
});

Deno.test("another preface, an impossible port, a huge length and broken fields are refused", () => {
  const good = encodeTransportHeader({ port: 80, name: "", protocol: undefined });
  equal(decodeTransportHeader(new TextEncoder().encode("GET / HTTP/1.1\r\n")).kind, "bad");
  equal(decodeTransportHeader(encodeTransportHeader({ port: 0, name: "", protocol: undefined })).kind, "bad");
  equal(
    decodeTransportHeader(encodeTransportHeader({ port: 70000, name: "", protocol: undefined })).kind,
    "bad",
  );
  const huge = good.slice();
  huge[23] = 1;
  equal(decodeTransportHeader(huge).kind, "bad");
  const broken = good.slice();
  broken[27] = 0x0b;
  equal(decodeTransportHeader(broken).kind, "bad");
});
