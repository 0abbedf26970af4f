/** `linkerd explain`, as the help shows it. */
import type { Describe } from "../commands.ts";
import { outputOption } from "../options.ts";

export const EXPLAIN_COMMANDS: readonly Describe[] = [
  (program, execute) => {
    program.command("explain").description("what an error's code means, and what to do about it")
      .argument("[code]", "what stands in brackets after an error; all codes when left out")
      .addOption(outputOption("text", "json"))
      .action((code, options) =>
        execute(async (_global, environment) =>
          (await import("./explain.ts")).explain(code, options, environment)
        )
      );
  },
];
