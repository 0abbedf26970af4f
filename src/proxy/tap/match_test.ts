import { equal, throws } from "node:assert/strict";
import { HttpMethod_Registered, Scheme_Registered } from "../../../proto/gen/http_types.ts";
import type { ObserveRequest_Match, ObserveRequest_Match_Http } from "../../../proto/gen/tap.ts";
import { tcpAddressOf } from "../control/translate_net.ts";
import { compileMatch, InvalidMatch } from "./match.ts";
import type { TapSubject } from "./subject.ts";

const SUBJECT: TapSubject = {
  direction: "outbound",
  source: { ip: "10.42.0.9", port: 40_000 },
  sourceLabels: { tls: "loopback" },
  destination: { ip: "10.42.1.7", port: 8080 },
  destinationLabels: { deployment: "cart", tls: "true" },
  routeLabels: { parent_name: "cart" },
  method: "GET",
  scheme: "http",
  authority: "cart.shop:80",
  path: "/items/3",
};

type Term = NonNullable<ObserveRequest_Match["match"]>;
const of = (match: Term): ObserveRequest_Match => ({ match });
const http = (match: NonNullable<ObserveRequest_Match_Http["match"]>) =>
  of({ $case: "http", value: { match } });
const exact = (value: string) => ({ match: { $case: "exact" as const, value } });
const prefix = (value: string) => ({ match: { $case: "prefix" as const, value } });
const path = (value: ReturnType<typeof exact> | ReturnType<typeof prefix>) => http({ $case: "path", value });
const all = (...matches: ObserveRequest_Match[]) => of({ $case: "all", value: { matches } });
const any = (...matches: ObserveRequest_Match[]) => of({ $case: "any", value: { matches } });
const not = (value: ObserveRequest_Match) => of({ $case: "not", value });
const network = (ip: string, mask: number) => ({
  match: { $case: "netmask" as const, value: { ip: tcpAddressOf({ ip, port: 0 }).ip, mask } },
});
const ports = (min: number, max: number) => ({ match: { $case: "ports" as const, value: { min, max } } });
const YES = path(prefix("/")), NO = path(exact("/"));

const CASES: readonly (readonly [string, ObserveRequest_Match, boolean])[] = [
  ["all of nothing", all(), true],
  ["any of nothing", any(), false],
  ["all", all(YES, YES), true],
  ["all but one", all(YES, NO), false],
  ["any", any(NO, YES), true],
  ["not", not(NO), true],
  ["nested", all(any(NO, YES), not(all(YES, NO))), true],
  ["path exactly", path(exact("/items/3")), true],
  ["path exactly, longer", path(exact("/items")), false],
  ["path's beginning", path(prefix("/items")), true],
  ["path's end", path(prefix("items/3")), false],
  ["authority", http({ $case: "authority", value: exact("cart.shop:80") }), true],
  ["authority's beginning", http({ $case: "authority", value: prefix("cart.") }), true],
  ["another authority", http({ $case: "authority", value: exact("pay.shop:80") }), false],
  [
    "method",
    http({ $case: "method", value: { type: { $case: "registered", value: HttpMethod_Registered.GET } } }),
    true,
  ],
  [
    "another method",
    http({ $case: "method", value: { type: { $case: "registered", value: HttpMethod_Registered.POST } } }),
    false,
  ],
  [
    "method by name",
    http({ $case: "method", value: { type: { $case: "unregistered", value: "GET" } } }),
    true,
  ],
  [
    "scheme",
    http({ $case: "scheme", value: { type: { $case: "registered", value: Scheme_Registered.HTTP } } }),
    true,
  ],
  [
    "another scheme",
    http({ $case: "scheme", value: { type: { $case: "registered", value: Scheme_Registered.HTTPS } } }),
    false,
  ],
  ["source's network", of({ $case: "source", value: network("10.42.0.0", 24) }), true],
  ["destination is not in it", of({ $case: "destination", value: network("10.42.0.0", 24) }), false],
  ["destination alone", of({ $case: "destination", value: network("10.42.1.7", 32) }), true],
  ["of another family", of({ $case: "destination", value: network("fd00::", 8) }), false],
  ["destination's port", of({ $case: "destination", value: ports(8080, 8080) }), true],
  ["ports below", of({ $case: "destination", value: ports(1, 8079) }), false],
  [
    "destination's label",
    of({ $case: "destinationLabel", value: { key: "deployment", value: "cart" } }),
    true,
  ],
  [
    "a label of Object's",
    of({ $case: "destinationLabel", value: { key: "toString", value: "cart" } }),
    false,
  ],
  ["route's label", of({ $case: "routeLabel", value: { key: "parent_name", value: "pay" } }), false],
];

Deno.test("a request is matched by each kind of term, alone and combined", () => {
  for (const [name, match, expected] of CASES) equal(compileMatch(match)(SUBJECT), expected, name);
});

Deno.test("a match that says nothing, or what cannot be, is refused", () => {
  const refused: readonly (ObserveRequest_Match | undefined)[] = [
    undefined,
    { match: undefined },
    not({ match: undefined }),
    all(YES, { match: undefined }),
    of({ $case: "http", value: { match: undefined } }),
    path({ match: undefined } as unknown as ReturnType<typeof exact>),
    http({ $case: "method", value: { type: undefined } }),
    http({ $case: "method", value: { type: { $case: "registered", value: 77 as HttpMethod_Registered } } }),
    http({ $case: "scheme", value: { type: { $case: "registered", value: 77 as Scheme_Registered } } }),
    of({ $case: "source", value: { match: undefined } }),
    of({ $case: "source", value: ports(2, 1) }),
    of({ $case: "source", value: ports(1, 65_536) }),
    of({ $case: "source", value: network("10.0.0.0", 33) }),
    of({ $case: "source", value: { match: { $case: "netmask", value: { ip: undefined, mask: 8 } } } }),
    all(...Array.from({ length: 128 }, () => YES)),
  ];
  for (const match of refused) throws(() => compileMatch(match), InvalidMatch);
  compileMatch(all(...Array.from({ length: 127 }, () => YES)));
});
