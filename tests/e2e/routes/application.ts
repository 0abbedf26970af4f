/**
 * What the tests of routes run in their pods. `serve NAME` answers every request with its name and the header that came
 * along, `/slow` after ten seconds, and every other request for `/flaky` with 503; `ask` sends requests on demand, through its own proxy, and counts the answers.
 */

/** What `ask` is asked for. */
export interface Question {
  readonly url: string;
  readonly count?: number;
  readonly headers?: Record<string, string>;
}

/** How often each answer came: `200 v1`, `500 l5d-proxy-error's text`. */
export type Answers = Record<string, number>;

export const PORT = 8080;

async function ask({ url, count = 1, headers = {} }: Question): Promise<Answers> {
  const answers: Answers = {};
  for (let asked = 0; asked < count; asked++) {
    const response = await fetch(url, { headers, redirect: "manual" });
    const text = (await response.text()).trim();
    const said = response.status === 200 ? text : response.headers.get("location") ?? "";
    const answer = `${response.status} ${said}`.trim();
    answers[answer] = (answers[answer] ?? 0) + 1;
  }
  return answers;
}

const SLOW_MS = 10_000;

function serve(name: string): (request: Request) => Promise<Response> {
  let isFailing = false;
  return async ({ url, headers, signal }) => {
    const { pathname } = new URL(url);
    if (pathname === "/flaky" && (isFailing = !isFailing)) return new Response("not now", { status: 503 });
    if (pathname === "/slow") await waited(SLOW_MS, signal);
    return new Response(`${name}${headers.has("x-seen") ? ` seen ${headers.get("x-seen")}` : ""}`);
  };
}

/** Resolves after so long, or when nobody waits for the answer any more. */
function waited(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function handle(role: string, name: string): (request: Request) => Response | Promise<Response> {
  if (role === "serve") return serve(name);
  return async ({ url }) => {
    const question = new URL(url).searchParams.get("question");
    return question === null ? new Response("ready") : Response.json(await ask(JSON.parse(question)));
  };
}

if (import.meta.main) {
  const [role = "", name = ""] = Deno.args;
  Deno.serve({ port: PORT, hostname: "0.0.0.0" }, handle(role, name));
}
