/**
 * gRPC's interoperability cases with @grpc/grpc-js at both ends, through a meshed pair: client, outbound, mutual TLS,
 * inbound, server. Messages are bytes: what they mean is nobody's business here.
 * Source: grpc/doc/interop-test-descriptions.md (cases by name; code and words are ours).
 */
import "../../../src/control/grpc/goaway_fix.ts";
import { deepEqual, equal, ok } from "node:assert/strict";
import { Buffer } from "node:buffer";
import * as grpc from "@grpc/grpc-js";
import { endpointAt } from "../../../src/proxy/testing/fake_control.ts";
import { type Pair, SERVER, withPair } from "../../../src/proxy/testing/meshed_pair.ts";

const WEB = "web.shop.svc.cluster.local:80", OK = grpc.status.OK;
const same = (bytes: Buffer) => bytes;
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/mesh.test.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});
const ECHO = {
  unary: method("Unary", false, false),
  upload: method("Upload", true, false),
  download: method("Download", false, true),
  chat: method("Chat", true, true),
  missing: method("Missing", false, false),
};
const { missing, ...SERVED } = ECHO;
const FOREIGN = { call: { ...missing, path: "/mesh.test.Nobody/Call" } };

/** The status a call ended with, whichever way it came. */
interface Ended {
  readonly code: number;
  readonly details: string;
  readonly trailers: grpc.Metadata;
}

/** What the server does by itself when a call says so in its metadata. */
async function obey(metadata: grpc.Metadata): Promise<grpc.ServiceError | undefined> {
  const [sleep] = metadata.get("x-sleep"),
    [code] = metadata.get("x-code"),
    [details] = metadata.get("x-details-bin");
  if (sleep !== undefined) await new Promise((done) => setTimeout(done, Number(sleep)));
  if (code === undefined) return undefined;
  const text = details === undefined ? "as asked" : new TextDecoder().decode(details as Buffer);
  return Object.assign(new Error(text), { code: Number(code), details: text, metadata: new grpc.Metadata() });
}

/** Sends back the metadata that a call asks to be echoed, before and after the messages. */
function echoMetadata(call: grpc.ServerUnaryCall<Buffer, Buffer>): grpc.Metadata {
  const initial = new grpc.Metadata(), trailing = new grpc.Metadata();
  for (const value of call.metadata.get("x-echo-initial")) initial.add("x-echo-initial", value);
  for (const value of call.metadata.get("x-echo-trailing-bin")) trailing.add("x-echo-trailing-bin", value);
  call.sendMetadata(initial);
  return trailing;
}

const cancelled: string[] = [];
const IMPLEMENTATION: grpc.UntypedServiceImplementation = {
  unary: (call: grpc.ServerUnaryCall<Buffer, Buffer>, answer: grpc.sendUnaryData<Buffer>) => {
    const trailing = echoMetadata(call);
    void obey(call.metadata).then((error) => {
      if (error !== undefined) return answer(error);
      const [size] = call.metadata.get("x-size");
      answer(null, size === undefined ? call.request : Buffer.alloc(Number(size), 7), trailing);
    });
  },
  upload: (call: grpc.ServerReadableStream<Buffer, Buffer>, answer: grpc.sendUnaryData<Buffer>) => {
    let bytes = 0, messages = 0;
    call.on("data", (part: Buffer) => {
      bytes += part.length;
      messages++;
    });
    call.on("end", () => answer(null, Buffer.from(`${messages} ${bytes}`)));
    call.on("cancelled", () => cancelled.push("upload"));
  },
  download: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
    for (const size of call.request.toString().split(" ")) call.write(Buffer.alloc(Number(size), 1));
    call.end();
  },
  chat: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
    call.on("data", (part: Buffer) => call.write(part));
    call.on("end", () => call.end());
    call.on("cancelled", () => cancelled.push("chat"));
  },
};

type EchoClient =
  & grpc.Client
  & {
    readonly [name in keyof typeof ECHO]: (...rest: unknown[]) => grpc.ClientDuplexStream<Buffer, Buffer>;
  };

/** Runs `use` with a client whose calls cross the pair. */
async function withCalls(
  use: (client: EchoClient, target: string, pair: Pair) => Promise<void>,
): Promise<void> {
  const server = new grpc.Server();
  server.addService(SERVED, IMPLEMENTATION);
  const port = await new Promise<number>((done, failed) =>
    server.bindAsync(
      "127.0.0.1:0",
      grpc.ServerCredentials.createInsecure(),
      (error, port) => error === null ? done(port) : failed(error),
    )
  );
  await withPair(() => new Response(), async (pair) => {
    pair.client.control.endpoints.set(WEB, [
      endpointAt({ ip: "127.0.0.1", port }, SERVER, pair.server.inboundAddress.port),
    ]);
    const target = `127.0.0.1:${pair.client.outboundAddress.port}`;
    const client = new (grpc.makeGenericClientConstructor(ECHO, "Echo"))(
      target,
      grpc.credentials.createInsecure(),
    ) as unknown as EchoClient;
    try {
      await use(client, target, pair);
    } finally {
      client.close();
      server.forceShutdown();
    }
  });
}

/** One unary call. */
function unary(
  client: grpc.Client,
  name: "unary" | "missing" | "call",
  request: Buffer,
  metadata = new grpc.Metadata(),
  options: grpc.CallOptions = {},
): Promise<Ended & { readonly response: Buffer | undefined; readonly initial: grpc.Metadata | undefined }> {
  return new Promise((done) => {
    let response: Buffer | undefined, initial: grpc.Metadata | undefined;
    const methods = client as unknown as Record<string, (...rest: unknown[]) => grpc.ClientUnaryCall>;
    const call = methods[name]!(
      request,
      metadata,
      options,
      (_error: grpc.ServiceError | null, bytes?: Buffer) => {
        response = bytes;
      },
    );
    call.on("metadata", (metadata) => initial = metadata);
    call.on(
      "status",
      ({ code, details, metadata }) =>
        queueMicrotask(() => done({ code, details, trailers: metadata, response, initial })),
    );
  });
}

function statusOf(call: grpc.ClientDuplexStream<Buffer, Buffer>): Promise<Ended> {
  return new Promise((done) => {
    call.on("error", () => {}); // it is told by the status too
    call.on("status", ({ code, details, metadata }) => done({ code, details, trailers: metadata }));
  });
}

Deno.test("empty_unary: a call without a byte comes back without a byte", async () => {
  await withCalls(async (client) => {
    const { code, response } = await unary(client, "unary", Buffer.alloc(0));
    equal(code, OK);
    equal(response?.length, 0);
  });
});

Deno.test("large_unary: messages larger than a window cross both ways", async () => {
  await withCalls(async (client) => {
    const metadata = new grpc.Metadata();
    metadata.set("x-size", "314159");
    const { code, response } = await unary(client, "unary", Buffer.alloc(271_828), metadata);
    equal(code, OK);
    equal(response?.length, 314_159);
    ok(response!.every((byte) => byte === 7));
  });
});

Deno.test("client_streaming: all messages of an upload are counted", async () => {
  await withCalls(async (client) => {
    const answer = await new Promise<Buffer>((done, failed) => {
      const upload = client.upload as unknown as (
        answer: (error: Error | null, bytes: Buffer) => void,
      ) => grpc.ClientWritableStream<Buffer>;
      const call = upload.call(client, (error, bytes) => error === null ? done(bytes) : failed(error));
      for (const size of [27_182, 8, 1828, 45_904]) call.write(Buffer.alloc(size));
      call.end();
    });
    equal(answer.toString(), "4 74922");
  });
});

Deno.test("server_streaming: all messages of a download come, in order", async () => {
  await withCalls(async (client) => {
    const call = client.download(Buffer.from("31415 9 2653 58979")), sizes: number[] = [];
    call.on("data", (part: Buffer) => sizes.push(part.length));
    equal((await statusOf(call)).code, OK);
    deepEqual(sizes, [31_415, 9, 2653, 58_979]);
  });
});

Deno.test("ping_pong: each message is answered before the next is sent", async () => {
  await withCalls(async (client) => {
    const call = client.chat(),
      sizes = [27_182, 8, 1828, 45_904],
      seen: number[] = [],
      status = statusOf(call);
    call.on("data", (part: Buffer) => {
      seen.push(part.length);
      if (seen.length < sizes.length) call.write(Buffer.alloc(sizes[seen.length]!));
      else call.end();
    });
    call.write(Buffer.alloc(sizes[0]!));
    equal((await status).code, OK);
    deepEqual(seen, sizes);
  });
});

Deno.test("empty_stream: a stream without a message ends well", async () => {
  await withCalls(async (client) => {
    const call = client.chat(), status = statusOf(call);
    call.on("data", () => ok(false, "nothing was sent"));
    call.end();
    equal((await status).code, OK);
  });
});

Deno.test("cancel_after_begin: a call given up before its first message ends as cancelled", async () => {
  await withCalls(async (client) => {
    const call = client.chat(), status = statusOf(call);
    call.cancel();
    equal((await status).code, grpc.status.CANCELLED);
  });
});

Deno.test("cancel_after_first_response: the server learns that a call was given up", async () => {
  cancelled.length = 0;
  await withCalls(async (client) => {
    const call = client.chat(), status = statusOf(call);
    call.on("data", () => call.cancel());
    call.write(Buffer.alloc(10));
    equal((await status).code, grpc.status.CANCELLED);
    while (cancelled.length === 0) await new Promise((done) => setTimeout(done, 1));
    deepEqual(cancelled, ["chat"]);
  });
});

Deno.test("timeout_on_sleeping_server: a deadline ends the call on time", async () => {
  await withCalls(async (client) => {
    const metadata = new grpc.Metadata();
    metadata.set("x-sleep", "2000");
    const { code } = await unary(client, "unary", Buffer.alloc(1), metadata, { deadline: Date.now() + 100 });
    equal(code, grpc.status.DEADLINE_EXCEEDED);
  });
});

Deno.test("status_code_and_message: every code and its text arrive as the server gave them", async () => {
  await withCalls(async (client) => {
    for (let code = 1; code <= 16; code++) {
      const metadata = new grpc.Metadata();
      metadata.set("x-code", String(code));
      const ended = await unary(client, "unary", Buffer.alloc(1), metadata);
      equal(ended.code, code);
      equal(ended.details, "as asked");
    }
  });
});

Deno.test("special_status_message: a text of tabs, lines and other alphabets arrives whole", async () => {
  const text = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n 100 %";
  await withCalls(async (client) => {
    const metadata = new grpc.Metadata();
    metadata.set("x-code", "2");
    metadata.set("x-details-bin", Buffer.from(text));
    const ended = await unary(client, "unary", Buffer.alloc(1), metadata);
    equal(ended.code, 2);
    equal(ended.details, text);
  });
});

Deno.test("unimplemented_method, unimplemented_service: the server's own answer comes through", async () => {
  await withCalls(async (client, target) => {
    equal((await unary(client, "missing", Buffer.alloc(0))).code, grpc.status.UNIMPLEMENTED);
    const foreign = new (grpc.makeGenericClientConstructor(FOREIGN, "Nobody"))(
      target,
      grpc.credentials.createInsecure(),
    );
    equal((await unary(foreign, "call", Buffer.alloc(0))).code, grpc.status.UNIMPLEMENTED);
    foreign.close();
  });
});

Deno.test("custom_metadata: text and bytes are echoed before and after the message", async () => {
  await withCalls(async (client) => {
    const metadata = new grpc.Metadata(), bytes = Buffer.from([0xab, 0xab, 0xab, 0, 255]);
    metadata.set("x-echo-initial", "test_initial_metadata_value");
    metadata.set("x-echo-trailing-bin", bytes);
    const { code, initial, trailers } = await unary(client, "unary", Buffer.alloc(3), metadata);
    equal(code, OK);
    deepEqual(initial?.get("x-echo-initial"), ["test_initial_metadata_value"]);
    deepEqual(trailers.get("x-echo-trailing-bin").map((value) => [...value as Buffer]), [[...bytes]]);
  });
});

Deno.test("client_compressed_unary: a compressed message is nothing special", async () => {
  await withCalls(async (_client, target) => {
    const compressing = new (grpc.makeGenericClientConstructor(ECHO, "Echo"))(
      target,
      grpc.credentials.createInsecure(),
      { "grpc.default_compression_algorithm": 2 },
    );
    const request = Buffer.alloc(100_000, 3);
    const { code, response } = await unary(compressing, "unary", request);
    equal(code, OK);
    equal(response?.equals(request), true);
    compressing.close();
  });
});

Deno.test("calls beside each other on one connection do not mix", async () => {
  await withCalls(async (client) => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => unary(client, "unary", Buffer.from(`${i}`.repeat(1 + i * 50)))),
    );
    for (const [i, { response }] of answers.entries()) equal(response?.toString(), `${i}`.repeat(1 + i * 50));
  });
});

Deno.test("a call that reaches no endpoint ends in gRPC's own way, and is counted as such", async () => {
  await withCalls(async (client, _target, pair) => {
    pair.client.control.endpoints.set(WEB, []);
    pair.client.control.update(WEB, { kind: "replace", endpoints: [] });
    const { code, details } = await unary(client, "unary", Buffer.alloc(1));
    equal(code, grpc.status.DEADLINE_EXCEEDED);
    ok(details.includes("has no endpoints"), details);
  });
});

Deno.test("a call's status is counted under grpc_status on both sides", async () => {
  await withCalls(async (client, _target, { client: near, server: far }) => {
    const metadata = new grpc.Metadata();
    metadata.set("x-code", "8");
    await unary(client, "unary", Buffer.alloc(1), metadata);
    for (const { runtime } of [near, far]) {
      const responses = [...runtime.telemetry.http.values()].flatMap((series) => series.responses);
      deepEqual(responses.map(({ status, grpcStatus }) => [status, grpcStatus]), [[200, 8]]);
    }
  });
});
