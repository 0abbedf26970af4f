/**
 * What the laptop cluster needs of a machine, looked at before anything is started: each thing that is missing gets
 * one sentence that says what, why, and how to get it.
 */
import { isolationObstacle } from "../../linux/unshare.ts";
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

function canLoad(library: string): boolean {
  try {
    Deno.dlopen(library, {}).close();
    return true;
  } catch {
    return false; // which is what was asked
  }
}

/**
 * Looks at the machine.
 * @throws MeshFailure naming the first thing that is missing
 */
export function checkPrerequisites(): void {
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
  const obstacle = isolationObstacle();
  if (obstacle !== undefined) {
    const at = obstacle.lastIndexOf("; ");
    throw missing("no-namespaces", obstacle.slice(0, at), obstacle.slice(at + 2));
  }
}
