import assert from "node:assert/strict";
import fc from "fast-check";
import { ExpositionReader, parseSeriesKey, scanExposition } from "./exposition.ts";
import { LATENCY_BOUNDS, quantile } from "./histogram.ts";

function scan(text: string, wanted = (_name: string) => true): [string, number][] {
  const found: [string, number][] = [];
  scanExposition(text, wanted, (key, value) => found.push([key, value]));
  return found;
}

Deno.test("samples are found between comments, with and without labels, timestamps and exemplars", () => {
  const text = [
    '# HELP a help with a{b="c"} 1',
    "# TYPE a counter",
    "a 1",
    'a{path="/x y",text="quote \\" brace } end"} 2.5',
    'b{le="+Inf"} +Inf 1700000000000',
    'c{x="1"} 7 # {trace_id="z"} 1',
    "",
    "broken",
    'open{label="1',
    "# EOF",
    "last 9",
  ].join("\n");
  assert.deepEqual(scan(text), [
    ["a", 1],
    ['a{path="/x y",text="quote \\" brace } end"}', 2.5],
    ['b{le="+Inf"}', Infinity],
    ['c{x="1"}', 7],
    ["last", 9],
  ]);
  assert.deepEqual(scan(text, (name) => name === "c"), [['c{x="1"}', 7]]);
});

Deno.test("any text is read without a throw", () => {
  const piece = fc.constantFrom("a", "{", "}", '"', "\\", "=", ",", " ", "\n", "#", "1", "le", "NaN", "é");
  fc.assert(fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
    for (const [key, value] of scan(pieces.join(""))) {
      assert.ok(!Number.isNaN(value));
      parseSeriesKey(key);
    }
  }));
});

Deno.test("a reader that has seen other scrapes reads the next one as a new reader would", () => {
  const line = fc.constantFrom(
    'a{x="1"} 1',
    'a{x="1"} 2',
    'a{x="12"} 3',
    "a 4",
    "ab 5",
    "# c",
    "b{} 6",
    "broken",
    "a{",
  );
  const text = fc.array(line, { maxLength: 8 }).map((lines) => lines.join("\n"));
  fc.assert(fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (texts) => {
    const reader = new ExpositionReader((name) => name !== "b");
    for (const one of texts) {
      const found: [string, number][] = [];
      reader.read(one, (key, value) => found.push([key, value]));
      assert.deepEqual(found, scan(one, (name) => name !== "b"));
    }
  }));
});

Deno.test("a series' labels come out as they went in", () => {
  const name = fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/);
  fc.assert(fc.property(fc.dictionary(name, fc.string({ maxLength: 12 }), { maxKeys: 5 }), (labels) => {
    const escaped = Object.entries(labels).map(([label, value]) =>
      `${label}="${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`
    );
    const key = `metric{${escaped.join(",")}}`;
    const [found, ...others] = scan(`${key} 3\n`);
    assert.deepEqual([found, others.length], [[key, 3], 0]);
    assert.deepEqual({ ...parseSeriesKey(key).labels }, { ...labels });
  }));
});

Deno.test("quantiles interpolate within the bucket as Prometheus does", () => {
  const counts = Array(LATENCY_BOUNDS.length + 1).fill(0);
  assert.equal(quantile(counts, 0.5), undefined);
  counts[5] = 100; // 5 to 10 ms
  assert.equal(quantile(counts, 0.5), 7.5);
  counts[10] = 100; // 50 to 100 ms
  assert.equal(quantile(counts, 0.5), 10);
  assert.equal(quantile(counts, 0.75), 75);
  counts[LATENCY_BOUNDS.length] = 1000;
  assert.equal(quantile(counts, 0.99), 50_000, "beyond the last bound there is only that bound");
});
