import { equal } from "node:assert/strict";
import { forwardedLine, isPassedBy } from "./forwarded.ts";

Deno.test("the line names gateway, client and host, and leaves a host out that could say more than itself", () => {
  const passage = { by: "gateway.id", for: "client.id", host: "web.shop:80" };
  equal(forwardedLine(passage), "forwarded: by=gateway.id;for=client.id;host=web.shop:80;proto=https\r\n");
  for (const host of ["", "a;by=other", 'a"b', "a,b", "x".repeat(600)]) {
    equal(forwardedLine({ ...passage, host }), "forwarded: by=gateway.id;for=client.id;proto=https\r\n");
  }
});

Deno.test("a gateway finds itself in whichever element, quoted or not, and no name that is only like its own", () => {
  for (
    const value of [
      "by=gateway.id;for=a;proto=https",
      "for=a;By=Gateway.ID",
      'for=a, for=b; by="gateway.id"',
      "by=other, by = gateway.id ",
    ]
  ) equal(isPassedBy(value, "gateway.id"), true, value);
  for (const value of ["", "by=other", "for=gateway.id", "by=gateway.id.x", "by=x.gateway.id", "host=by"]) {
    equal(isPassedBy(value, "gateway.id"), false, value);
  }
});
