/** `/bin/sleep SECONDS` of the image: a preStop hook keeps the proxy for a while after its pod was told to end. */
const seconds = Number(Deno.args[0]);
if (!(seconds >= 0) || Deno.args.length !== 1) {
  console.error("usage: sleep SECONDS");
  Deno.exit(1);
}
await new Promise((done) => setTimeout(done, seconds * 1000));
