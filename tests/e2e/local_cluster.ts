/** A laptop cluster as its user has it: started by `linkerd local up`, reached by its kubeconfig. */
import { applyObjects } from "../../src/kube/apply.ts";
import { loadKubeConfig } from "../../src/kube/config.ts";
import { createHttpKubeClient, type HttpKubeClient } from "../../src/kube/http_client.ts";
import type { KubernetesObject } from "../../src/kube/resource.ts";
import { parseAllDocuments } from "yaml";
import { findKubectl } from "../kubectl.ts";
import { LINKERD, type Outcome, runLinkerd, type RunOptions, runProgram } from "./linkerd.ts";

export interface LocalCluster {
  readonly kubeconfig: string;
  readonly client: HttpKubeClient;
  /** What `local up -o json` said. */
  readonly state: {
    readonly pid: number;
    readonly kubeconfig: string;
    readonly apiPort: number;
    readonly dashboardPort?: number;
  };
  /** Runs `linkerd ...words`; a word with spaces stands in single quotes. */
  linkerd(line: string, options?: RunOptions): Promise<Outcome>;
  /** The same; it must succeed. @returns its standard output */
  ok(line: string, options?: RunOptions): Promise<string>;
  /** Applies YAML or JSON: by kubectl, or as it does where there is none. @throws Error with what it said */
  apply(text: string): Promise<void>;
  /** Ends it by `linkerd local down`. @returns what that said */
  down(): Promise<Outcome>;
  /** Whatever state it is in. */
  end(): Promise<void>;
}

/** Words, and what stands in single quotes as one. */
function split(line: string): string[] {
  return [...line.matchAll(/(?:[^\s']|'[^']*')+/g)].map(([word]) => word.replaceAll("'", ""));
}

/** @param flags of `local up`. @throws Error with what it said when it does not start */
export async function localUp(...flags: readonly string[]): Promise<LocalCluster> {
  const home = await Deno.makeTempDir({ prefix: "linkerd-user-" });
  // A user's own cluster is found by this directory: tests beside each other have one each.
  const env = { XDG_RUNTIME_DIR: home };
  const [program = "", ...args] = [...LINKERD, "local", "up", "-o", "json", ...flags];
  const up = new Deno.Command(program, { args, env, stdin: "null", stdout: "piped", stderr: "piped" })
    .spawn();
  const said = new Response(up.stderr).text();
  let text = "";
  const reading = up.stdout.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
    .getReader();
  for (;;) {
    const { value, done } = await reading.read();
    text += value ?? "";
    if (done) throw new Error(`local up ended: ${await said}`);
    if (text.trimEnd().endsWith("}")) break;
  }
  const state = JSON.parse(text) as LocalCluster["state"], { kubeconfig } = state;
  const client = createHttpKubeClient(await loadKubeConfig({ path: kubeconfig }));
  const linkerd = (line: string, options: RunOptions = {}) =>
    runLinkerd(kubeconfig, split(line), { ...options, env: { ...env, ...options.env } });
  const kubectl = findKubectl();
  const down = () => runLinkerd(kubeconfig, ["local", "down", "-o", "json"], { env });
  return {
    kubeconfig,
    client,
    state,
    linkerd,
    ok: async (line, options) => {
      const { code, stdout, stderr } = await linkerd(line, options);
      if (code !== 0) throw new Error(`linkerd ${line}: exit ${code}\n${stdout}${stderr}`);
      return stdout;
    },
    apply: async (manifest) => {
      if (kubectl === undefined) {
        const objects = parseAllDocuments(manifest).map((document) => document.toJS() as KubernetesObject);
        await applyObjects(client, objects.filter((object) => object !== null), { fieldManager: "test" });
        return;
      }
      const argv = [kubectl, "--cache-dir", `${home}/cache`, "apply", "--server-side", "-f", "-"];
      const { code, stderr } = await runProgram(argv, { input: manifest, env: { KUBECONFIG: kubeconfig } });
      if (code !== 0) throw new Error(`kubectl apply: ${stderr}`);
    },
    down,
    end: async () => {
      client.close();
      await reading.cancel();
      try {
        up.kill("SIGTERM");
      } catch {
        // It has ended, as it should have.
      }
      await up.status;
      await said;
      await Deno.remove(home, { recursive: true });
    },
  };
}
