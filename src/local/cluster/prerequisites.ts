/**
 * What the laptop cluster needs of a machine, looked at before anything is started: each thing that is missing gets
 * one sentence that says what, why, and how to get it.
 */
import { MeshFailure } from "../../mesh/error.ts";

const MINIMUM_DENO = [2, 9, 0] as const;

function missing(code: string, detail: string, remedy: string): MeshFailure {
  return new MeshFailure({ code, source: "usage", detail, remedy });
}

function isOlder(version: string, minimum: readonly number[]): boolean {
  const parts = version.split(".").map(Number);
  for (const [index, wanted] of minimum.entries()) {
    const part = parts[index] ?? 0;
    if (part !== wanted) return part < wanted;
  }
  return false;
}

/** True when a program can be found on the PATH. */
function isOnPath(program: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(":").some((directory) => {
    try {
      return Deno.statSync(`${directory}/${program}`).isFile;
    } catch {
      return false; // not in this directory
    }
  });
}

function canLoad(library: string): boolean {
  try {
    Deno.dlopen(library, {}).close();
    return true;
  } catch {
    return false; // which is what was asked
  }
}

/** How the node's namespaces are made: as root directly, as another user inside a user namespace. */
export function unshareArguments(): string[] {
  const user = Deno.uid() === 0 ? [] : ["--user", "--map-root-user"];
  return [...user, "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
}

/** The same without a /proc of its own, where the kernel does not allow one (inside some containers). */
export function unshareWithoutProc(): string[] {
  return unshareArguments().filter((argument) => argument !== "--mount-proc");
}

async function canUnshare(args: readonly string[]): Promise<string | undefined> {
  const { success, stderr } = await new Deno.Command("unshare", {
    args: [...args, "true"],
    stdout: "null",
    stderr: "piped",
  }).output();
  return success ? undefined : new TextDecoder().decode(stderr).trim();
}

/**
 * Looks at the machine. @returns the arguments for unshare that work here
 * @throws MeshFailure naming the first thing that is missing
 */
export async function checkPrerequisites(): Promise<string[]> {
  if (Deno.build.os !== "linux") {
    throw missing(
      "not-linux",
      `the laptop cluster runs pods in Linux namespaces, and this is ${Deno.build.os}`,
      "use a Linux machine or a virtual one, or install the mesh on a Kubernetes cluster",
    );
  }
  if (isOlder(Deno.version.deno, MINIMUM_DENO)) {
    throw missing(
      "deno-too-old",
      `this is Deno ${Deno.version.deno}, and ${MINIMUM_DENO.join(".")} or later is needed`,
      "run it as `npx -y deno@2.9.6 ...`",
    );
  }
  if (!canLoad("libssl.so.3")) {
    throw missing(
      "no-openssl",
      "libssl.so.3 (OpenSSL 3) cannot be loaded, and the proxies encrypt with it",
      "install your distribution's package: `apt-get install libssl3` or `dnf install openssl-libs`",
    );
  }
  for (const program of ["unshare", "nsenter"]) {
    if (isOnPath(program)) continue;
    throw missing(
      "no-util-linux",
      `${program} of util-linux is not on the PATH, and the cluster's namespaces are made with it`,
      "install your distribution's util-linux",
    );
  }
  const why = await canUnshare(unshareArguments());
  if (why === undefined) return unshareArguments();
  if (await canUnshare(unshareWithoutProc()) === undefined) return unshareWithoutProc();
  throw missing(
    "no-user-namespaces",
    `namespaces cannot be made here (${why}), and pods run in them`,
    Deno.uid() === 0
      ? "this container lacks the right to make namespaces: run it with more privileges, or on the machine itself"
      : "run as root, or allow user namespaces: `sysctl -w kernel.unprivileged_userns_clone=1` " +
        "(and on Ubuntu `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`)",
  );
}
