/** Anything a command can fail with, as the one record that is printed. */
import { type MeshError, MeshFailure, toMeshError } from "../mesh/error.ts";

/** `NotFound` → `not-found`. */
function kebab(text: string): string {
  return text.replace(/(?<=[a-z])[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
}

/** Errors of modules that are loaded late are told by their names: nothing is loaded to describe a failure. */
export function describeFailure(error: unknown): MeshError {
  if (error instanceof MeshFailure || !(error instanceof Error)) return toMeshError(error);
  if (error.name === "KubeConfigError") {
    return {
      code: (error as Error & { code: string }).code,
      source: "cluster",
      detail: error.message,
      remedy: "name a kubeconfig with --kubeconfig or KUBECONFIG, and one of its contexts with --context",
    };
  }
  if (error.name === "KubeError") {
    const { reason, status } = error as Error & { reason: string; status: number };
    const isForbidden = status === 401 || status === 403;
    return {
      code: `kubernetes-${kebab(reason)}`,
      source: "cluster",
      detail: error.message,
      ...(isForbidden ? { remedy: "ask with `kubectl auth can-i --list` what this user may do" } : {}),
    };
  }
  if (error instanceof TypeError && /error sending request/.test(error.message)) {
    return {
      code: "cluster-unreachable",
      source: "cluster",
      detail: `the Kubernetes API cannot be reached: ${error.message}`,
      remedy: "see whether the cluster runs, and which one the kubeconfig names (--kubeconfig, --context)",
    };
  }
  return toMeshError(error);
}

export function usageFailure(code: string, detail: string, remedy?: string): MeshFailure {
  return new MeshFailure({ code, source: "usage", detail, ...(remedy === undefined ? {} : { remedy }) });
}
