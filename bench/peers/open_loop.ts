/**
 * Latency at a fixed rate that no candidate is saturated by: fortio sends 1,000 requests a second over 50 connections,
 * evenly spread and whether or not earlier ones were answered, and does not catch up after a stall.
 */
import { CLIENT_IP, type Environment } from "./environment.ts";

export const RATE = 1000, CONNECTIONS = 50;

export interface OpenLoop {
  readonly openP50: number;
  readonly openP99: number;
  /** Answers other than 200. */
  readonly openFailures: number;
}

interface FortioReport {
  readonly DurationHistogram: {
    readonly Percentiles: readonly { readonly Percentile: number; readonly Value: number }[];
  };
  readonly RetCodes: Readonly<Record<string, number>>;
}

/** Reads fortio's JSON. @throws when it has no percentiles */
export function parseFortio(text: string): OpenLoop {
  const { DurationHistogram, RetCodes } = JSON.parse(text.slice(text.indexOf("{\n"))) as FortioReport;
  const at = (wanted: number): number => {
    const found = DurationHistogram.Percentiles.find(({ Percentile }) => Percentile === wanted);
    if (found === undefined) throw new Error(`fortio reports no p${wanted}`);
    return found.Value * 1000;
  };
  const failed = Object.entries(RetCodes).filter(([code]) => code !== "200");
  return {
    openP50: at(50),
    openP99: at(99),
    openFailures: failed.reduce((sum, [, count]) => sum + count, 0),
  };
}

/** One run of fortio against a port of the client's namespace. */
export async function openLoop(
  environment: Environment,
  program: string,
  port: number,
  seconds: number,
): Promise<OpenLoop> {
  const shape = `load -qps ${RATE} -c ${CONNECTIONS} -t ${seconds}s -r 0.00002 -uniform -nocatchup`;
  const limit = ["timeout", String(seconds + 20)];
  const output = ["-p", "50,99", "-quiet", "-loglevel", "Error", "-json", "-"];
  const url = `http://${CLIENT_IP}:${port}/`;
  return parseFortio(
    await environment.output("client", ...limit, program, ...shape.split(" "), ...output, url),
  );
}
