import assert from "node:assert/strict";
import http from "node:http";
import { type FixtureApi, startFixtureApi } from "../../tests/browser/fixture_api.ts";
import { type Dashboard, startDashboard } from "./server.ts";

/** A dashboard over a fixture, for the length of a test. */
async function withDashboard(
  run: (
    get: (path: string, headers?: Record<string, string>) => Promise<Response>,
    port: number,
    api: FixtureApi,
  ) => Promise<void>,
  options: { isDown?: boolean; enforcedHost?: string } = {},
): Promise<void> {
  const api = startFixtureApi();
  if (options.isDown === true) await api.stop();
  const dashboard: Dashboard = await startDashboard({
    port: 0,
    hostname: "127.0.0.1",
    metricsApi: api.url,
    intervalMs: 1,
    ...(options.enforcedHost === undefined ? {} : { enforcedHost: options.enforcedHost }),
  });
  try {
    const get = (path: string, headers = {}) =>
      fetch(`http://127.0.0.1:${dashboard.port}${path}`, { headers });
    await run(get, dashboard.port, api);
  } finally {
    await dashboard.stop();
    if (options.isDown !== true) await api.stop();
  }
}

Deno.test("the overview is whole without scripts: figures, topology, the command, and a slow refresh", async () => {
  await withDashboard(async (get) => {
    const html = await (await get("/namespaces/shop")).text();
    assert.match(html, /<title>shop · Linkerd<\/title>/);
    assert.match(html, /href="\/namespaces\/shop\/deployments\/payment"/);
    assert.match(
      html,
      /web to payment: [\d.]+ requests per second, \d\d\.\d\d% successful, p99 \d+ ms, mutual TLS/,
    );
    assert.match(html, /payment to legacy-tax: 2 open TCP connections, .*, without mutual TLS/);
    assert.match(
      html,
      /<code>linkerd stat deploy -n shop -o wide<\/code>.*<code>linkerd stat sts -n shop -o wide<\/code>/,
    );
    assert.match(html, /<noscript><meta http-equiv="refresh" content="10"/);
  });
});

Deno.test("every page says when the certificates end, quietly while that is far and with what to do when it is near", async () => {
  await withDashboard(async (get, _, api) => {
    const day = 86_400_000;
    for (const path of ["/", "/namespaces/linkerd", "/namespaces/shop/deployments/web"]) {
      api.certificatesLastMs = { issuer: 61 * day, anchor: 400 * day };
      const quiet = await (await get(path)).text();
      assert.match(
        quiet,
        /metrics-api [\d.]+ · issuer valid until \d{4}-\d\d-\d\d, trust anchors until \d{4}-\d\d-\d\d/,
        path,
      );
      assert.doesNotMatch(quiet, /class="note/, path);
      api.certificatesLastMs = { issuer: -day, anchor: 59 * day };
      const loud = await (await get(path)).text();
      assert.match(
        loud,
        /class="note bad" role="alert"><strong>The issuer has expired\.<\/strong> identity\.linkerd\.\S+ \(serial 02\) is not valid/,
        path,
      );
      assert.match(
        loud,
        /class="note warn"><strong>A trust anchor expires in less than 60 days\.<\/strong>/,
        path,
      );
      assert.match(loud, /<code>docs\/checks\/l5d-identity-trustAnchors-not-expiring-soon\.md<\/code>/, path);
      assert.doesNotMatch(loud, /valid until/, path);
    }
  });
});

Deno.test("requests are not shown where that is not asked for; the command that shows them is", async () => {
  await withDashboard(async (get) => {
    const html = await (await get("/namespaces/shop/deployments/web")).text();
    assert.match(html, /<code>linkerd tap deploy\/web -n shop<\/code>/);
    assert.doesNotMatch(html, /<button/);
    assert.equal((await get("/namespaces/shop/deployments/web/calls")).status, 404);
  });
});

Deno.test("a table is sorted and filtered by its address", async () => {
  await withDashboard(async (get) => {
    const html = await (await get("/?sort=-p99&filter=shop")).text();
    const names = [...html.matchAll(/<th scope="row" class="name">.*?<a [^>]*>([\w-]+)<\/a>/g)].map((one) =>
      one[1]
    );
    assert.equal(names.length, 8);
    assert.equal(names[0], "web");
    assert.match(html, /aria-sort="descending"><a href="\/\?sort=p99&amp;filter=shop"/);
  });
});

Deno.test("every answer carries a strict policy, pages are not kept, and no script stands in a page", async () => {
  await withDashboard(async (get) => {
    for (const path of ["/", "/namespaces/shop/deployments/web", "/nowhere", "/healthz"]) {
      const answer = await get(path);
      const policy = answer.headers.get("content-security-policy")!;
      assert.match(
        policy,
        /default-src 'none'; script-src 'self'; style-src 'self';.* frame-ancestors 'none'/,
      );
      assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
      assert.equal(answer.headers.get("cache-control"), "no-store");
      const html = await answer.text();
      for (const [, attributes] of html.matchAll(/<script([^>]*)>/g)) {
        assert.match(attributes!, / src="\/assets\/|type="application\/json"/);
      }
      assert.doesNotMatch(html, / style="| on\w+="/);
    }
  });
});

Deno.test("what a page refers to is there, may be kept for ever, and is compressed", async () => {
  await withDashboard(async (get) => {
    const html = await (await get("/namespaces/shop/deployments/web")).text();
    const paths = new Set([...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((one) => one[1]!));
    assert.ok(paths.size >= 4, [...paths].join());
    for (const path of paths) {
      const answer = await get(path);
      assert.equal(answer.status, 200, path);
      assert.equal(answer.headers.get("cache-control"), "public, max-age=31536000, immutable");
      assert.match(path, /-\w{8,10}\.(js|css|svg)$/);
      await answer.body?.cancel();
    }
    const script = await get([...paths].find((path) => path.endsWith(".js"))!, { "accept-encoding": "gzip" });
    assert.match(script.headers.get("vary") ?? "", /accept-encoding/i);
    await script.body?.cancel();
  });
});

Deno.test("live views come as an event stream, and end when the server stops", async () => {
  await withDashboard(async (get) => {
    for (const path of ["/live?namespace=shop", "/namespaces/shop/deployments/web/live"]) {
      const answer = await get(path);
      assert.equal(answer.headers.get("content-type"), "text/event-stream");
      const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      while ((text.match(/event: view/g)?.length ?? 0) < 2) {
        text += (await reader.read()).value ?? assert.fail(text);
      }
      await reader.cancel();
    }
    await get("/live"); // left open: stopping must not wait for it
  });
});

Deno.test("without the metrics API a page says why, what to do, and tries again", async () => {
  await withDashboard(async (get) => {
    const answer = await get("/");
    assert.equal(answer.status, 503);
    const html = await answer.text();
    assert.match(html, /<meta http-equiv="refresh" content="5"/);
    assert.match(html, /metrics-api at http:\/\/127\.0\.0\.1:\d+ could not be reached/);
    assert.match(html, /Connection refused/);
    assert.match(html, /<code>linkerd check<\/code>/);
    assert.equal((await get("/healthz")).status, 200);
  }, { isDown: true });
});

Deno.test("what does not exist is 404 with what there is; what cannot be read is 400", async () => {
  await withDashboard(async (get) => {
    const cases: [string, number, RegExp][] = [
      ["/namespaces/nowhere", 404, /There is no namespace nowhere/],
      ["/namespaces/shop/deployments/nobody", 404, /no Deployment nobody in the namespace shop/],
      ["/namespaces/shop/services/web", 404, /no pages for services/],
      ["/namespaces/shop/deployments/%3Cscript%3Ealert(1)", 404, /no Deployment &lt;script>alert\(1\)/],
      ["/?window=soon", 400, /not a time window: soon/],
      ["/elsewhere", 404, /There is no page \/elsewhere/],
    ];
    for (const [path, status, words] of cases) {
      const answer = await get(path);
      assert.equal(answer.status, status, path);
      assert.match(await answer.text(), words);
    }
  });
});

/** `fetch` does not let a caller choose the name. */
function getAs(host: string, port: number, path = "/"): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: "127.0.0.1", port, path, headers: { host }, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part) => text += part)
        .on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    request.on("error", reject);
  });
}

Deno.test("a foreign name is refused with how to allow it, and its probe is not", async () => {
  await withDashboard(async (_get, port) => {
    for (
      const host of ["evil.example", "web.com", "web.linkerd.svc.evil.example", "localhost.evil.example"]
    ) {
      const { status, text } = await getAs(host, port);
      assert.equal(status, 403, host);
      assert.match(text, /host-refused.*\n\n.*DNS rebinding.*\n.*--enforced-host/);
      assert.equal((await getAs(host, port, "/healthz")).status, 200);
    }
    const own = [
      "localhost:50750",
      "10.42.0.7:8084",
      "[::1]:8084",
      "web.linkerd.svc.cluster.local:8084",
      "web",
    ];
    for (const host of own) assert.equal((await getAs(host, port)).status, 200, host);
  });
  await withDashboard(async (_get, port) => {
    assert.equal((await getAs("mesh.example.com", port)).status, 200);
    assert.equal((await getAs("localhost", port)).status, 403);
  }, { enforcedHost: String.raw`mesh\.example\.com` });
});
