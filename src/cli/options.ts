/** Options that several commands take. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { parseGoDuration } from "../mesh/duration.ts";

/** `-o`, with the formats a command knows; the first is the default. */
export function outputOption(...formats: readonly [string, ...string[]]): Option {
  return new Option("-o, --output <format>", "output format").choices(formats).default(formats[0]);
}

/** For options that may be given several times. */
export const gather = (value: string, before: readonly string[]): string[] => [...before, value];

export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("It takes a whole number.");
  return Number(text);
}

export function port(text: string): number {
  const number = wholeNumber(text);
  if (number < 1 || number > 65_535) throw new InvalidArgumentError("It takes a port, 1 to 65535.");
  return number;
}

/** Helm's ways to give values. */
export function addValueOptions(command: Command): Command {
  return command
    .option("--set <path=value>", "set a value; repeatable, and a list of them with commas", gather, [])
    .option("--set-string <path=value>", "set a value as text; repeatable", gather, [])
    .option("--set-file <path=file>", "set a value to what a file holds; repeatable", gather, [])
    .option("-f, --values <file>", "values from a YAML file; repeatable", gather, []);
}

export function addNamespaceOption(command: Command): Command {
  return command.option("-n, --namespace <namespace>", "namespace; the kubeconfig context's by default");
}

/** `1m30s` as milliseconds. */
export function duration(text: string): number {
  const milliseconds = parseGoDuration(text);
  if (milliseconds === undefined || milliseconds < 0) {
    throw new InvalidArgumentError("It takes a duration such as 30s or 2m.");
  }
  return milliseconds;
}
