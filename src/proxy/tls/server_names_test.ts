import { equal } from "node:assert/strict";
import { bestForName, type ServerNameMatch } from "./server_names.ts";

const exact = (value: string): ServerNameMatch => ({ kind: "exact", value });
const below = (value: string): ServerNameMatch => ({ kind: "suffix", value });
const ROUTES = [
  { id: "any", names: [] },
  { id: "org", names: [below(".org")] },
  { id: "example", names: [below(".example.org"), exact("example.net")] },
  { id: "www", names: [exact("www.example.org")] },
  { id: "later", names: [exact("www.example.org")] },
];

Deno.test("a whole name is before a domain, a longer domain before a shorter, and what names none comes last", () => {
  for (
    const [name, id] of [
      ["www.example.org", "www"],
      ["WWW.Example.ORG.", "www"],
      ["api.example.org", "example"],
      ["a.b.example.org", "example"],
      ["example.org", "org"],
      ["example.net", "example"],
      ["notexample.net", "any"],
      ["com", "any"],
    ] as const
  ) equal(bestForName(ROUTES, name)?.id, id, name);
});

Deno.test("a name that no route is for has none, a domain is not below itself", () => {
  equal(bestForName(ROUTES.slice(1), "example.com"), undefined);
  equal(bestForName([{ names: [below(".example.org")] }], "example.org"), undefined);
  equal(bestForName([{ names: [below(".example.org")] }], "badexample.org"), undefined);
});
