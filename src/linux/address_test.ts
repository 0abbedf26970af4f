import { deepEqual } from "node:assert/strict";
import { addressOfText, formatAddress } from "./address.ts";

Deno.test("what was formatted is read back", () => {
  for (
    const address of [{ ip: "10.0.0.1", port: 80 }, { ip: "fd00::1", port: 8080 }, { ip: "::", port: 0 }]
  ) {
    deepEqual(addressOfText(formatAddress(address)), address);
  }
});
