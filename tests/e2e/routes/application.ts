/**
 * What the test of routes runs in its pods. `serve NAME` answers every request with its name and the headers that came
 * along; `ask` sends requests on demand, through its own proxy, and counts the answers.
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

function handle(role: string, name: string): (request: Request) => Response | Promise<Response> {
  if (role === "serve") {
    return ({ headers }) =>
      new Response(`${name}${headers.has("x-seen") ? ` seen ${headers.get("x-seen")}` : ""}`);
  }
  return async ({ url }) => {
    const question = new URL(url).searchParams.get("question");
    return question === null ? new Response("ready") : Response.json(await ask(JSON.parse(question)));
  };
}

if (import.meta.main) {
  const [role = "", name = ""] = Deno.args;
  Deno.serve({ port: PORT, hostname: "0.0.0.0" }, handle(role, name));
}
