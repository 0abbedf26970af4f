/** One run of a benchmark: what it needs, an environment of its own, and nothing left behind however it ends. */
import { Environment } from "./environment.ts";
import { installMissing } from "./programs.ts";

/** Ends the process with a word where an environment cannot be had; installs what is missing otherwise. */
export function prepare(): void {
  if (Deno.uid() !== 0) {
    console.log("skipped: it makes network namespaces, which needs root");
    Deno.exit(0);
  }
  installMissing();
}

/** Runs `measure` in an environment of its own. One at a time: their names are this process's. */
export async function withEnvironment<T>(measure: (environment: Environment) => Promise<T>): Promise<T> {
  const environment = new Environment();
  const end = () => {
    environment.close();
    Deno.exit(130);
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, end);
  try {
    environment.open();
    return await measure(environment);
  } finally {
    environment.close();
    for (const signal of signals) Deno.removeSignalListener(signal, end);
  }
}

/** Runs a benchmark of one environment, and ends the process. */
export async function runInEnvironment(measure: (environment: Environment) => Promise<void>): Promise<never> {
  prepare();
  await withEnvironment(measure);
  Deno.exit(0);
}
