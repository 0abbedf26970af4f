import { equal } from "node:assert/strict";
import { canonicalName, NameSuffixes } from "./name_suffixes.ts";

Deno.test("a suffix covers itself and what ends with it after a dot, and nothing else", () => {
  const suffixes = NameSuffixes.parse("svc.cluster.local., Example.org")!;
  for (const name of ["web.shop.svc.cluster.local", "svc.cluster.local", "a.example.org"]) {
    equal(suffixes.covers(name), true, name);
  }
  for (const name of ["web.shop.xsvc.cluster.local", "cluster.local", "example.com", "notexample.org"]) {
    equal(suffixes.covers(name), false, name);
  }
});

Deno.test("a dot covers every name, and an empty list none", () => {
  equal(NameSuffixes.parse(".")!.covers("example.com"), true);
  equal(NameSuffixes.parse("")!.covers("example.com"), false);
});

Deno.test("names are compared in lower case without a final dot, and what is none is told", () => {
  equal(canonicalName("Web.Shop.svc.cluster.local."), "web.shop.svc.cluster.local");
  for (const text of ["", "10.0.0.1", "a..b", "a b", "web;by=me", "x".repeat(64), "é.example"]) {
    equal(canonicalName(text), undefined, text);
  }
  equal(NameSuffixes.parse("svc.cluster.local,a b"), undefined);
});
