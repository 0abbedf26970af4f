import { balancerCases, type FakeEndpoint } from "./cases.ts";
import { RoundRobin } from "./round_robin.ts";

balancerCases("round robin", () => new RoundRobin<FakeEndpoint>(), { minimumShare: 0.33 });
