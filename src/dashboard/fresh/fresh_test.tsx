/** The surface that routes and islands are written to, over a manifest written by hand. */
import assert from "node:assert/strict";
import { parse } from "devalue";
import { App, createDefine, HttpError, page } from "fresh";
import type { Manifest } from "./manifest.ts";

interface State {
  trail: string[];
}
const define = createDefine<State>();

const Counter = ({ start }: { start: unknown }) => <b>{String(start)}</b>;
const list = define.handlers({ GET: ({ url }) => page({ word: url.searchParams.get("word") ?? "none" }) });

const ROUTES: Manifest["routes"] = {
  "_app.tsx": {
    default: define.page(({ Component }) => (
      <html>
        <head />
        <body>
          <Component />
        </body>
      </html>
    )),
  },
  "_error.tsx": {
    default: define.page(({ error }) => <p>failed: {error instanceof HttpError ? error.message : "defect"}
    </p>),
  },
  "_middleware.ts": {
    default: define.middleware((context) => {
      context.state.trail = ["root"];
      return context.next();
    }),
  },
  "index.tsx": { handler: list, default: define.page<typeof list>(({ data }) => <h1>{data.word}</h1>) },
  "island.tsx": { default: define.page(() => <Counter start={{ text: "</script><b>" }} />) },
  "bad.tsx": { default: define.page(() => <Counter start={() => 1} />) },
  "things/_layout.tsx": {
    default: define.layout(({ Component }) => (
      <main>
        <Component />
      </main>
    )),
  },
  "things/_middleware.ts": {
    default: define.middleware(async (context) => {
      context.state.trail.push("things");
      const answer = await context.next();
      answer.headers.set("x-trail", context.state.trail.join());
      return answer;
    }),
  },
  "things/[name].tsx": { default: define.page(({ params }) => <p>{params.name}</p>) },
  "things/new.tsx": { default: define.page(() => <p>the new one</p>) },
  "refused.ts": {
    handler: define.handlers({
      GET: () => {
        throw new HttpError(418, "a teapot");
      },
    }),
  },
};

const handle = new App<State>().fsRoutes({
  routes: ROUTES,
  islands: [{
    name: "Counter",
    component: Counter,
    script: "/assets/Counter-1.js",
    preloads: ["/assets/chunk-1.js"],
  }],
  assets: {},
  names: {},
}).handler();

async function get(path: string, init: RequestInit = {}) {
  const info = {
    remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 1 },
    completed: Promise.resolve(),
  } as const;
  const answer = await handle(new Request(`http://dashboard${path}`, init), info);
  return { answer, text: await answer.text() };
}

Deno.test("a page shows what its handler gives, and ships no script without an island", async () => {
  const { answer, text } = await get("/?word=%3Ci%3E");
  assert.equal(answer.status, 200);
  assert.match(text, /^<!DOCTYPE html><html>.*<h1>&lt;i><\/h1>/);
  assert.doesNotMatch(text, /<script/);
});

Deno.test("an island brings its script, its preloads and its props, which cannot end the script element", async () => {
  const { text } = await get("/island");
  assert.match(text, /<link rel="modulepreload" href="\/assets\/chunk-1.js">/);
  assert.match(text, /<script type="module" src="\/assets\/Counter-1.js">/);
  const blob = /<script type="application\/json" id="islands">(.*?)<\/script>/.exec(text)?.[1] ?? "";
  assert.deepEqual(parse(blob), [{ start: { text: "</script><b>" } }]);
});

Deno.test("a written segment is preferred to a parameter, which is decoded; a badly encoded one is no page", async () => {
  assert.match((await get("/things/new")).text, /<main><p>the new one<\/p><\/main>/);
  assert.match((await get("/things/a%20b")).text, /<p>a b<\/p>/);
  assert.equal((await get("/things/%E0%A4%A")).answer.status, 404);
});

Deno.test("middlewares run from the root inwards, and only for their folder", async () => {
  assert.equal((await get("/things/new")).answer.headers.get("x-trail"), "root,things");
  assert.equal((await get("/")).answer.headers.get("x-trail"), null);
});

Deno.test("errors become the error page with their status, and no page is 404", async () => {
  const refused = await get("/refused");
  assert.equal(refused.answer.status, 418);
  assert.match(refused.text, /<p>failed: a teapot<\/p>/);
  assert.equal((await get("/nowhere")).answer.status, 404);
});

Deno.test("a method without a handler is refused with those there are; HEAD has no body", async () => {
  const { answer } = await get("/", { method: "DELETE" });
  assert.equal(answer.status, 405);
  assert.equal(answer.headers.get("allow"), "GET, HEAD");
  const head = await get("/", { method: "HEAD" });
  assert.equal(head.answer.status, 200);
  assert.equal(head.text, "");
});

Deno.test("props that are no data are a defect that is named, not sent", async () => {
  const said: unknown[] = [];
  const original = console.error;
  console.error = (...words) => said.push(...words);
  try {
    assert.equal((await get("/bad")).answer.status, 500);
  } finally {
    console.error = original;
  }
  assert.match(String(said[0]), /island Counter: start is no data/);
});
