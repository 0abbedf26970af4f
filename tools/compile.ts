/**
 * `deno task compile`: the CLI as one executable, by `deno compile`, for this platform or `--target TRIPLE`. It needs
 * the runtime's base binary, which Deno downloads; where that cannot be had the failure says so and how to go on.
 */
const root = new URL("..", import.meta.url).pathname;
const target = Deno.args.find((argument) => argument.startsWith("--target"));
const output = `${root}dist/linkerd-${Deno.build.os}-${Deno.build.arch}`;
const { success, stderr } = await new Deno.Command(Deno.execPath(), {
  args: [
    "compile",
    "-A",
    ...(target === undefined ? [] : [target]),
    "--include",
    `${root}dist`,
    "--output",
    output,
    `${root}dist/linkerd/main.js`,
  ],
  stdout: "inherit",
  stderr: "piped",
}).output();
if (!success) {
  console.error(new TextDecoder().decode(stderr).trim());
  console.error(
    "\nThe executable was not made. Where the base binary cannot be downloaded, run the bundle itself:",
  );
  console.error(`  deno run -A ${root}dist/linkerd/main.js`);
  Deno.exit(1);
}
console.log(output);
