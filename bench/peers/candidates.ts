/** The proxies that are measured: ours, HAProxy and, when it can be had, Envoy; each as a pair or as one plain hop. */
import { startApplication } from "./application.ts";
import type { Candidate } from "./candidate.ts";
import { installEnvoy, startEnvoys } from "./envoy.ts";
import type { Environment } from "./environment.ts";
import { startHaproxies } from "./haproxy.ts";
import { startOurs } from "./ours.ts";
import { run } from "./programs.ts";

export interface Started {
  readonly candidates: readonly Candidate[];
  readonly versions: readonly string[];
}

/** Starts the application and every candidate. @param isEnvoyWanted it takes two minutes to install */
export async function startCandidates(environment: Environment, isEnvoyWanted: boolean): Promise<Started> {
  await startApplication(environment);
  const candidates = [...await startOurs(environment), ...await startHaproxies(environment)];
  const version = (text: string) => /\d+\.\d+(\.\d+)?/.exec(text)?.[0] ?? "unknown";
  const versions = [
    `Deno ${Deno.version.deno}`,
    `HAProxy ${version(run("haproxy", "-v"))}`,
    `nginx ${version(run("nginx", "-v"))}`,
  ];
  const program = isEnvoyWanted ? installEnvoy(environment.directory) : undefined;
  if (program === undefined) {
    return {
      candidates,
      versions: [...versions, isEnvoyWanted ? "Envoy skipped (could not be installed)" : "Envoy left out"],
    };
  }
  const envoyVersion = /\/(\d+\.\d+\.\d+)[^/]*\//.exec(run(program, "--version"))?.[1] ?? "unknown";
  return {
    candidates: [...candidates, ...await startEnvoys(environment, program)],
    versions: [...versions, `Envoy ${envoyVersion}`],
  };
}
