/** The demo as a user starts it, for as long as it is looked at. */
export interface Demo {
  /** Of its dashboard. */
  readonly url: string;
  /** Ends it as Ctrl-C does. @throws Error when it did not end well */
  stop(): Promise<void>;
}

const MAIN = new URL("../../dist/linkerd/main.js", import.meta.url).pathname;

/** Starts `linkerd demo`. @returns once it has a dashboard @throws Error with what it said when it has none */
export async function startDemo(): Promise<Demo> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, "demo", "--dashboard-port", "0"],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let said = "";
  const found = Promise.withResolvers<string>();
  const listen = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      said = (said + text).slice(-10_000);
      const url = /dashboard: (http:\S+)/.exec(said)?.[1];
      if (url !== undefined) found.resolve(url);
    }
  };
  const heard = Promise.all([listen(child.stdout), listen(child.stderr)]);
  heard.then(() => found.reject(new Error(`the demo ended without a dashboard:\n${said}`)), found.reject);
  const url = await found.promise;
  return {
    url,
    stop: async () => {
      child.kill("SIGINT");
      const [{ code }] = await Promise.all([child.status, heard]);
      if (code !== 0) throw new Error(`the demo ended with ${code}:\n${said}`);
    },
  };
}
