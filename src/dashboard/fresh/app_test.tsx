import assert from "node:assert/strict";
import { useState } from "preact/hooks";
import { parse } from "devalue";
import { App, type Context, createDefine, HttpError, page } from "fresh";
import type { Manifest } from "./manifest.ts";

interface State {
  steps: string[];
}

const define = createDefine<State>();
const INFO: Deno.ServeHandlerInfo = {
  remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 1 },
  completed: Promise.resolve(),
};

function Counter({ start }: { start: number }) {
  const [count] = useState(start);
  return <button type="button">{count}</button>;
}
function Outer({ label }: { label: string }) {
  return (
    <section>
      {label} <Counter start={7} />
    </section>
  );
}

function appOf(routes: Manifest["routes"]): (path: string, init?: RequestInit) => Promise<Response> {
  const app = new App<State>().use((context) => {
    context.state.steps = ["app"];
    return context.next();
  }).fsRoutes({
    routes,
    assets: {},
    names: {},
    islands: [
      { name: "Counter", component: Counter, script: "/assets/Counter.js", preloads: ["/assets/chunk.js"] },
      { name: "Outer", component: Outer, script: "/assets/Outer.js", preloads: ["/assets/chunk.js"] },
    ],
  });
  const handle = app.handler();
  return (path, init) => handle(new Request(`http://localhost${path}`, init), INFO);
}

/** Runs with what the program logs kept from the terminal. */
async function quietly<T>(run: () => Promise<T>): Promise<{ result: T; logged: string }> {
  const original = console.error;
  let logged = "";
  console.error = (...values: unknown[]) => logged += values.join(" ");
  try {
    return { result: await run(), logged };
  } finally {
    console.error = original;
  }
}

const handler = define.handlers({
  GET: (context) => page({ name: context.params.name!, steps: context.state.steps }),
  POST: () => new Response("posted"),
});
const Page = define.page<typeof handler>(({ data, route }) => (
  <p>{`${data.name} ${data.steps.join()} ${route}`}</p>
));

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
  "_layout.tsx": {
    default: define.layout(({ Component }) => (
      <main>
        <Component />
      </main>
    )),
  },
  "_middleware.ts": {
    default: define.middleware((context) => {
      context.state.steps.push("root");
      return context.next();
    }),
  },
  "_error.tsx": { default: define.page(({ error }) => <h1>{`seen: ${(error as Error).message}`}</h1>) },
  "things/_layout.tsx": {
    default: define.layout(({ Component }) => (
      <article>
        <Component />
      </article>
    )),
  },
  "things/_middleware.ts": {
    default: define.middleware([
      (context: Context<State>) => {
        context.state.steps.push("one");
        return context.next();
      },
      (context: Context<State>) => {
        context.state.steps.push("two");
        return context.next();
      },
    ]),
  },
  "things/[name].tsx": { handler, default: Page },
  "plain.tsx": { default: () => <p>no island</p> },
  "count.tsx": {
    default: () => (
      <>
        <Counter start={1} />
        <Counter start={2} />
      </>
    ),
  },
  "nested.tsx": { default: () => <Outer label="</script><b>" /> },
  "bad.tsx": { default: () => <Outer label={<b /> as unknown as string} /> },
  "refused.ts": {
    handler: define.handlers(() => {
      throw new HttpError(418, "a teapot");
    }),
  },
  "broken.ts": {
    handler: define.handlers(() => {
      throw new Error("secret detail");
    }),
  },
};
const fetchPage = appOf(ROUTES);

Deno.test("a page stands in its layouts and its document, after the middlewares of its folders", async () => {
  const answer = await fetchPage("/things/lamp");
  assert.equal(answer.headers.get("content-type"), "text/html; charset=utf-8");
  assert.equal(
    await answer.text(),
    "<!DOCTYPE html><html><head></head><body><main><article>" +
      "<p>lamp app,root,one,two /things/:name</p></article></main></body></html>",
  );
});

Deno.test("a method is answered by its handler, HEAD by GET without a body, others with 405 and what there is", async () => {
  assert.equal(await (await fetchPage("/things/lamp", { method: "POST" })).text(), "posted");
  const head = await fetchPage("/things/lamp", { method: "HEAD" });
  assert.equal(head.status, 200);
  assert.equal(await head.text(), "");
  const refused = await fetchPage("/things/lamp", { method: "DELETE" });
  assert.equal(refused.status, 405);
  assert.equal(refused.headers.get("allow"), "GET, HEAD, POST");
});

Deno.test("an error is a page with its status; a defect's words are logged and not shown", async () => {
  const refused = await fetchPage("/refused");
  assert.equal(refused.status, 418);
  assert.match(await refused.text(), /<main><h1>seen: a teapot<\/h1><\/main>/);
  const missing = await fetchPage("/nowhere");
  assert.equal(missing.status, 404);
  const { result, logged } = await quietly(() => fetchPage("/broken"));
  assert.equal(result.status, 500);
  assert.match(logged, /secret detail/);
});

Deno.test("where no page shows errors, a defect is answered without its words", async () => {
  const bare = appOf({ "broken.ts": ROUTES["broken.ts"]! });
  const { result } = await quietly(() => bare("/broken"));
  assert.equal(result.status, 500);
  assert.equal(await result.text(), "internal error\n");
});

Deno.test("a page without islands ships no script", async () => {
  assert.doesNotMatch(await (await fetchPage("/plain")).text(), /script|modulepreload/);
});

Deno.test("islands are marked in order, with one script, and their props behind them", async () => {
  const html = await (await fetchPage("/count")).text();
  assert.match(
    html,
    /<!--island:Counter:0--><button type="button">1<\/button><!--\/island--><!--island:Counter:1--><button type="button">2</,
  );
  assert.equal(html.match(/<script type="module" src="\/assets\/Counter\.js">/g)?.length, 1);
  assert.match(html, /<head><link rel="modulepreload" href="\/assets\/chunk\.js">/);
  const blob = /<script type="application\/json" id="islands">(.*?)<\/script>/.exec(html)![1]!;
  assert.deepEqual(parse(blob), [{ start: 1 }, { start: 2 }]);
});

Deno.test("an island inside of an island is part of it, and props cannot end their script", async () => {
  const html = await (await fetchPage("/nested")).text();
  assert.equal(html.match(/<!--island/g)?.length, 1);
  assert.doesNotMatch(html, /Counter\.js/);
  const blob = /<script type="application\/json" id="islands">(.*?)<\/script>/.exec(html)![1]!;
  assert.doesNotMatch(blob, /</);
  assert.deepEqual(parse(blob), [{ label: "</script><b>" }]);
});

Deno.test("elements as props of an island are a defect that is named", async () => {
  const { result, logged } = await quietly(() => fetchPage("/bad"));
  assert.equal(result.status, 500);
  assert.match(logged, /island Outer: label is no data/);
});

Deno.test("a redirect stays on this site", async () => {
  const app = appOf({
    "away.ts": { handler: define.handlers((context) => context.redirect("//evil.example/x")) },
  });
  const answer = await app("/away");
  assert.equal(answer.status, 302);
  assert.equal(answer.headers.get("location"), "/evil.example/x");
});
