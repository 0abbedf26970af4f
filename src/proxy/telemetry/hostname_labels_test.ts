import { equal } from "node:assert/strict";
import { HostnameLabels } from "./hostname_labels.ts";

Deno.test("a label is a name, in one spelling; what is none has an empty label", () => {
  const labels = new HostnameLabels();
  equal(labels.of("Web.Example.COM."), "web.example.com");
  for (const text of ["", "10.1.2.3", "[fd00::1]", 'a"b', "a..b", "a".repeat(300)]) {
    equal(labels.of(text), "");
  }
});

Deno.test("a client that asks for ever new names makes no more than 256 labels", () => {
  const labels = new HostnameLabels(), told = new Set<string>();
  for (let i = 0; i < 10_000; i++) told.add(labels.of(`tenant-${i}.example.com`));
  equal(told.size, 257, "256 names, and the empty one");
  equal(labels.of("tenant-0.example.com"), "tenant-0.example.com", "the first stay");
});
