/**
 * The demo application: a small shop whose services talk HTTP/1.1 to each other, and to a store that speaks first over
 * plain TCP. Things go wrong in it on purpose, so that the mesh has something to show: paying fails one time in ten,
 * and one replica of the catalog is slow.
 *
 *   shop.ts web | catalog | recommend | cart | payment | store | load
 */
import { StoreClient } from "./store_client.ts";
import { serveStore } from "./store.ts";
import { runLoad } from "./load.ts";
import { request } from "./request.ts";
import { serveHttp } from "./serve.ts";

const PORT = 8080, STORE_PORT = 6379;
const environment = (name: string, fallback: string) => Deno.env.get(name) ?? fallback;
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

async function call(service: string, path: string): Promise<unknown> {
  const response = await request(`http://${service}${path}`);
  if (!response.ok) {
    const why = response.headers.get("l5d-proxy-error") ?? (await response.text()).trim();
    throw new Error(`${service}${path}: ${response.status} ${why}`.slice(0, 300));
  }
  return await response.json();
}

const GOODS = ["tea", "bread", "salt", "soap", "rope", "lamp"].map((name, id) => ({
  id,
  name,
  cents: 120 + 35 * id,
}));

/** The front: a page needs the catalog and what others bought; buying goes through cart and payment. */
async function web({ url }: Request): Promise<Response> {
  const { pathname } = new URL(url);
  if (pathname === "/buy") {
    const cart = await call("cart", "/add?item=2"),
      paid = await request("http://payment/pay", { method: "POST" });
    const text = await paid.text();
    return new Response(JSON.stringify({ cart, paid: text }), { status: paid.ok ? 200 : 503 });
  }
  const [goods, others] = await Promise.all([call("catalog", "/goods"), call("recommend", "/for/2")]);
  return Response.json({ goods, others });
}

async function catalog(): Promise<Response> {
  // The second replica of the set is the slow one.
  if (environment("POD_NAME", "").endsWith("-1")) await pause(25 + Math.random() * 10);
  return Response.json(GOODS);
}

async function recommend(): Promise<Response> {
  const goods = await call("catalog", "/goods") as typeof GOODS;
  return Response.json(goods.filter(({ id }) => id % 2 === 0));
}

function cart(store: StoreClient): (request: Request) => Promise<Response> {
  return async (request) => {
    const item = new URL(request.url).searchParams.get("item") ?? "0";
    return Response.json({ item, count: await store.increment(`item-${item}`) });
  };
}

let payments = 0;
/** Fails every tenth time: as many as a coin with that chance, but the same in every run. */
function payment(): Response {
  return ++payments % 10 === 0
    ? new Response("the bank is closed\n", { status: 503 })
    : new Response("paid\n");
}

const role = Deno.args[0] ?? "";
switch (role) {
  case "web":
    await serveHttp(PORT, web);
    break;
  case "catalog":
    await serveHttp(PORT, catalog);
    break;
  case "recommend":
    await serveHttp(PORT, recommend);
    break;
  case "cart": {
    const store = new StoreClient(environment("STORE", "store"), STORE_PORT);
    await serveHttp(PORT, cart(store));
    store.close();
    break;
  }
  case "payment":
    await serveHttp(PORT, payment);
    break;
  case "store":
    await serveStore(STORE_PORT);
    break;
  case "load":
    await runLoad({
      target: environment("TARGET", "http://web"),
      perSecond: Number(environment("RPS", "200")),
      countsPort: PORT,
    });
    break;
  default:
    console.error(`usage: shop.ts web|catalog|recommend|cart|payment|store|load (not "${role}")`);
    Deno.exit(2);
}
Deno.exit(0);
