/** `linkerd completion`, as the help shows it, and `complete`, which the printed scripts call at each press of Tab. */
import { Argument } from "commander";
import type { Describe } from "../commands.ts";
import { outputOption } from "../options.ts";

export const SHELL_COMMANDS: readonly Describe[] = [
  (program, execute) => {
    program.command("completion").description("print a script that completes commands, flags and names")
      .addArgument(new Argument("<shell>", "the shell").choices(["bash", "zsh", "fish"]))
      .addOption(outputOption("text", "json"))
      .addHelpText(
        "after",
        `
Examples:
  source <(linkerd completion bash)                                    in ~/.bashrc
  linkerd completion zsh > "\${fpath[1]}/_linkerd"                      once
  linkerd completion fish > ~/.config/fish/completions/linkerd.fish    once
`,
      )
      .action((shell, options) =>
        execute(async (_global, environment) =>
          (await import("./completion.ts")).printScript(shell, options, environment)
        )
      );
    program.command("complete", { hidden: true }).description("what may come next on a command line")
      .argument("[words...]")
      .action((words) =>
        execute(async (global, environment) =>
          (await import("./completion.ts")).complete(program, words, global, environment)
        )
      );
  },
];
