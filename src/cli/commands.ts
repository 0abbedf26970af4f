/** All commands. A description costs nothing; its file is loaded when it is run. */
import type { Command } from "commander";
import { AUTHZ_COMMANDS } from "./authz/commands.ts";
import { CHECK_COMMANDS } from "./check/commands.ts";
import { DASHBOARD_COMMANDS } from "./dashboard/commands.ts";
import { DIAGNOSE_COMMANDS } from "./diagnose/commands.ts";
import { PROXY_COMMANDS } from "./diagnose/proxy_commands.ts";
import type { Environment } from "./environment.ts";
import { EXPLAIN_COMMANDS } from "./explain/commands.ts";
import type { GlobalOptions } from "./global_options.ts";
import { INJECT_COMMANDS } from "./inject/commands.ts";
import { INSTALL_COMMANDS } from "./install/commands.ts";
import { LOCAL_COMMANDS } from "./local/commands.ts";
import { PROFILE_COMMANDS } from "./profile/commands.ts";
import { SHELL_COMMANDS } from "./shell/commands.ts";
import { STAT_COMMANDS } from "./stat/commands.ts";
import { TAP_COMMANDS } from "./tap/commands.ts";

/** What a command does, once it is loaded; a number is its exit code. */
export type Run = (options: GlobalOptions, environment: Environment) => Promise<number | void>;
/** Adds a command to the program; its action hands `Run` to `execute`. */
export type Describe = (program: Command, execute: (run: Run) => Promise<void>) => void;

export const COMMANDS: readonly Describe[] = [
  ...INSTALL_COMMANDS,
  ...INJECT_COMMANDS,
  ...CHECK_COMMANDS,
  ...STAT_COMMANDS,
  ...AUTHZ_COMMANDS,
  ...TAP_COMMANDS,
  ...DASHBOARD_COMMANDS,
  ...DIAGNOSE_COMMANDS,
  ...PROXY_COMMANDS,
  ...PROFILE_COMMANDS,
  ...EXPLAIN_COMMANDS,
  ...SHELL_COMMANDS,
  ...LOCAL_COMMANDS,
];
