import { equal } from "node:assert/strict";
import { ConnectionSeries } from "./connection_series.ts";
import { TcpSeries } from "./tcp_series.ts";

const POLICY = {}, WHOSE = { policy: POLICY, ip: "10.0.0.1", isTls: true, name: "a.b" };

Deno.test("a client's series are found again for the same policy, address and security alone", () => {
  const series = new ConnectionSeries(), tcp = new TcpSeries("");
  const known = series.keep(WHOSE, tcp);
  equal(series.find(POLICY, "10.0.0.1", true, "a.b"), known);
  equal(series.find({}, "10.0.0.1", true, "a.b"), undefined, "another policy");
  equal(series.find(POLICY, "10.0.0.2", true, "a.b"), undefined, "another address");
  equal(series.find(POLICY, "10.0.0.1", false, "a.b"), undefined, "a reason that reads like the identity");
  equal(series.find(POLICY, "10.0.0.1", true, "a.c"), undefined, "another client");
});

Deno.test("series that were dropped are not found", () => {
  const series = new ConnectionSeries(), tcp = new TcpSeries("");
  series.keep(WHOSE, tcp);
  tcp.isForgotten = true;
  equal(series.find(POLICY, "10.0.0.1", true, "a.b"), undefined);
});

Deno.test("ever new clients take no more than their share", () => {
  const series = new ConnectionSeries(), tcp = new TcpSeries("");
  for (let i = 0; i < 1000; i++) series.keep({ ...WHOSE, name: String(i) }, tcp);
  equal(series.size <= 256, true);
});
