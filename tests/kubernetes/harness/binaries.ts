/**
 * Kubernetes itself, built from its Go modules into .cache/kubernetes and kept there.
 *
 * About five minutes and 4.5 GB of Go's caches on two cores the first time; nothing when it is there. Go ignores the
 * `replace` lines of a dependency, so the staging modules (k8s.io/api ...) are pinned to the matching v0.x here.
 */
import { exists, must } from "../../../tools/command.ts";
import { CACHE } from "./cache.ts";

export const KUBERNETES_VERSION = "1.35.4";
const COMPONENTS = [
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kubelet",
  "kube-proxy",
  "kubectl",
] as const;
export type KubernetesProgram = typeof COMPONENTS[number];

const directory = `${CACHE}/kubernetes-${KUBERNETES_VERSION}`;

export function kubernetesProgram(name: KubernetesProgram): string {
  return `${directory}/${name}`;
}

async function moduleFile(work: string): Promise<string> {
  const head = "module kubernetesbuild\n\ngo 1.25.0\n";
  await Deno.writeTextFile(`${work}/go.mod`, head);
  const wanted = `k8s.io/kubernetes@v${KUBERNETES_VERSION}`;
  const answer = await must("go", ["mod", "download", "-json", wanted], {
    cwd: work,
    env: { GOFLAGS: "-mod=mod" },
  });
  const { GoMod } = JSON.parse(answer) as { GoMod: string };
  const pinned = `v0.${KUBERNETES_VERSION.slice(2)}`;
  const replaces = (await Deno.readTextFile(GoMod)).split("\n")
    .map((line) => /^\s*(?:replace\s+)?(\S+) => \.\/staging/.exec(line)?.[1])
    .filter((module) => module !== undefined)
    .map((module) => `\t${module} => ${module} ${pinned}`);
  const requires = `require k8s.io/kubernetes v${KUBERNETES_VERSION}`;
  return `${head}\n${requires}\n\nreplace (\n${replaces.join("\n")}\n)\n`;
}

/** What keeps the modules of every component in go.mod; kubectl's command lies in a module of its own. */
function importsFile(): string {
  const lines = COMPONENTS.map((name) =>
    name === "kubectl" ? "k8s.io/kubectl/pkg/cmd" : `k8s.io/kubernetes/cmd/${name}/app`
  );
  const imports = lines.map((path) => `\t_ "${path}"`).join("\n");
  return `//go:build tools\n\npackage tools\n\nimport (\n${imports}\n)\n`;
}

/**
 * Builds what is missing.
 * @param onProgress told of each program that is built
 * @throws Error in one sentence
 */
export async function buildKubernetes(onProgress: (line: string) => void): Promise<void> {
  const missing = COMPONENTS.filter((name) => !exists(kubernetesProgram(name)));
  if (missing.length === 0) return;
  await must("go", ["version"]).catch(() => {
    throw new Error("Go is needed to build Kubernetes and was not found: install Go 1.25 or later");
  });
  onProgress(`building Kubernetes ${KUBERNETES_VERSION}: about five minutes on two cores, once`);
  await Deno.mkdir(directory, { recursive: true });
  const work = await Deno.makeTempDir({ prefix: "kubernetes-build-" });
  try {
    await Deno.writeTextFile(`${work}/go.mod`, await moduleFile(work));
    await Deno.writeTextFile(`${work}/tools.go`, importsFile());
    await must("go", ["mod", "tidy", "-e"], { cwd: work });
    const variables = "k8s.io/component-base/version";
    const [major, minor] = KUBERNETES_VERSION.split(".");
    const flags = ["-s -w", `gitVersion=v${KUBERNETES_VERSION}`, `gitMajor=${major}`, `gitMinor=${minor}`]
      .join(` -X ${variables}.`);
    for (const name of missing) {
      const started = performance.now(), target = kubernetesProgram(name);
      await must(
        "go",
        ["build", "-trimpath", `-ldflags=${flags}`, "-o", `${target}.new`, `k8s.io/kubernetes/cmd/${name}`],
        { cwd: work, env: { CGO_ENABLED: "0" } },
      );
      await Deno.rename(`${target}.new`, target);
      onProgress(`built ${name} in ${Math.round((performance.now() - started) / 1000)} s`);
    }
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

if (import.meta.main) await buildKubernetes(console.log);
