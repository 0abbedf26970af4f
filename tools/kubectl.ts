/**
 * Builds kubectl from the Go modules of Kubernetes into .cache/bin, for tests/kubectl_test.ts.
 *
 * usage: deno run -A tools/kubectl.ts [VERSION]   About two minutes and 1 GB of Go caches the first time.
 *
 * Go ignores the `replace` lines of a dependency, so the staging modules (k8s.io/api ...) are pinned to the matching
 * v0.x here.
 */
const version = Deno.args[0] ?? "1.35.4";
const target = new URL("../.cache/bin/kubectl", import.meta.url).pathname;

interface Output {
  success: boolean;
  stdout: string;
  stderr: string;
}

async function run(
  command: string,
  args: string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<Output> {
  try {
    const output = await new Deno.Command(command, { args, cwd, env, stdout: "piped", stderr: "piped" })
      .output();
    const decoder = new TextDecoder();
    return {
      success: output.success,
      stdout: decoder.decode(output.stdout),
      stderr: decoder.decode(output.stderr),
    };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { success: false, stdout: "", stderr: `${command} is not on the PATH` };
  }
}

function fail(message: string): never {
  console.error(message);
  Deno.exit(1);
}

async function must(args: string[], cwd: string, env: Record<string, string> = {}): Promise<string> {
  const { success, stdout, stderr } = await run("go", args, cwd, env);
  if (!success) fail(`go ${args.join(" ")}: ${stderr.trim().split("\n").slice(-5).join("\n")}`);
  return stdout;
}

const present = await run(target, ["version", "--client"], Deno.cwd());
if (present.success && present.stdout.includes(`v${version}`)) {
  console.log(`kubectl ${version} is built already: ${target}`);
  Deno.exit(0);
}
const go = await run("go", ["version"], Deno.cwd());
if (!go.success) {
  fail("Go is needed to build kubectl and was not found: install it, or point KUBECTL to a kubectl");
}

const work = await Deno.makeTempDir({ prefix: "kubectl-" });
try {
  const head = "module kubectlbuild\n\ngo 1.25.0\n";
  Deno.writeTextFileSync(`${work}/go.mod`, head);
  const download = JSON.parse(
    await must(["mod", "download", "-json", `k8s.io/kubernetes@v${version}`], work, { GOFLAGS: "-mod=mod" }),
  ) as { GoMod: string };
  const staging = Deno.readTextFileSync(download.GoMod).split("\n")
    .map((line) => /^\s*(?:replace\s+)?(\S+) => \.\/staging/.exec(line)?.[1])
    .filter((module) => module !== undefined);
  const pinned = `v0.${version.slice(2)}`;
  const replaces = staging.map((module) => `\t${module} => ${module} ${pinned}`).join("\n");
  Deno.writeTextFileSync(
    `${work}/go.mod`,
    `${head}\nrequire k8s.io/kubernetes v${version}\n\nreplace (\n${replaces}\n)\n`,
  );
  Deno.writeTextFileSync(
    `${work}/tools.go`,
    '//go:build tools\n\npackage tools\n\nimport _ "k8s.io/kubernetes/cmd/kubectl"\n',
  );
  console.log(`building kubectl ${version} ...`);
  await must(["mod", "tidy", "-e"], work);
  const variables = "k8s.io/component-base/version";
  const [major, minor] = version.split(".");
  const flags = [
    "-s -w",
    `-X ${variables}.gitVersion=v${version}`,
    `-X ${variables}.gitMajor=${major}`,
    `-X ${variables}.gitMinor=${minor}`,
  ].join(" ");
  await Deno.mkdir(new URL("../.cache/bin/", import.meta.url), { recursive: true });
  await must(
    ["build", "-trimpath", `-ldflags=${flags}`, "-o", target, "k8s.io/kubernetes/cmd/kubectl"],
    work,
    { CGO_ENABLED: "0" },
  );
  console.log(`built ${target}`);
} finally {
  await Deno.remove(work, { recursive: true });
}
