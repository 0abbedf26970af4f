import { deepEqual } from "node:assert/strict";
import { addressOfText, formatAddress, parseIPv4 } from "./address.ts";

Deno.test("what was formatted is read back", () => {
  for (
    const address of [{ ip: "10.0.0.1", port: 80 }, { ip: "fd00::1", port: 8080 }, { ip: "::", port: 0 }]
  ) {
    deepEqual(addressOfText(formatAddress(address)), address);
  }
});

Deno.test("a dotted address is four numbers of a byte each, and nothing else", () => {
  deepEqual(parseIPv4("10.0.255.1"), [10, 0, 255, 1]);
  deepEqual(parseIPv4("0.0.0.0"), [0, 0, 0, 0]);
  const others = ["", "1", "1.2.3", "1.2.3.4.5", "1.2.3.4.", ".1.2.3.4", "1..3.4", "256.1.1.1", "1.2.3.1000"];
  for (const text of [...others, "01.2.3.4", "1.2.3.00", "1.2.3.-4", "1.2.3.4 ", "a.b.c.d", "::1"]) {
    deepEqual(parseIPv4(text), undefined, text);
  }
});
