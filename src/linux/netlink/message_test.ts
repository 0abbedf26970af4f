import assert from "node:assert/strict";
import {
  attributeList,
  bigEndian32,
  hostOrder32,
  MessageWriter,
  NLM_F_ACK,
  parseAttributes,
  parseMessages,
  textOf,
  zeroTerminated,
} from "./message.ts";

Deno.test("a message is read back as it was written, with nested attributes and padding", () => {
  const writer = new MessageWriter().begin(16, NLM_F_ACK, new Uint8Array(16)).attribute(
    3,
    zeroTerminated("eth0"),
  );
  writer.nested(18, () => {
    writer.attribute(1, zeroTerminated("veth"));
    writer.attribute(1, hostOrder32(7));
  });
  const [message] = parseMessages(writer.bytes);
  assert.ok(message);
  assert.equal(message.type, 16);
  assert.equal(message.flags, NLM_F_ACK | 1);
  assert.equal(writer.bytes.length % 4, 0);
  const attributes = parseAttributes(message.payload.subarray(16));
  assert.equal(textOf(attributes.get(3)!), "eth0");
  const inner = attributeList(attributes.get(18)!);
  assert.deepEqual(inner.map(([type]) => type), [1, 1]);
  assert.equal(textOf(inner[0]![1]), "veth");
});

Deno.test("a batch numbers its messages from 1 and grows past its first buffer", () => {
  const writer = new MessageWriter();
  for (let i = 0; i < 500; i++) writer.begin(20, 0, [1, 2, 3, 4]).attribute(1, zeroTerminated(`name-${i}`));
  const messages = parseMessages(writer.bytes);
  assert.equal(messages.length, 500);
  assert.deepEqual(messages.map(({ sequence }) => sequence), messages.map((_, index) => index + 1));
  assert.equal(textOf(parseAttributes(messages[499]!.payload.subarray(4)).get(1)!), "name-499");
});

Deno.test("lengths that do not fit end a list and never read outside", () => {
  const writer = new MessageWriter().begin(16, 0, [0, 0, 0, 0]).attribute(1, bigEndian32(1));
  const bytes = writer.bytes.slice();
  for (let cut = 0; cut < bytes.length; cut++) {
    assert.deepEqual(parseMessages(bytes.subarray(0, cut)), []);
  }
  bytes[20] = 200;
  assert.deepEqual(attributeList(parseMessages(bytes)[0]!.payload.subarray(4)), []);
  bytes[20] = 0;
  assert.deepEqual(attributeList(parseMessages(bytes)[0]!.payload.subarray(4)), []);
});
