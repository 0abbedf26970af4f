/** The soak in short: everything happens once, within what a test may take. */
import { isolationObstacle } from "../../src/linux/unshare.ts";
import { soak } from "./soak.ts";

const obstacle = isolationObstacle();
if (obstacle !== undefined) console.log(`the end-to-end test is skipped: ${obstacle}`);

Deno.test({
  name:
    "under load nothing fails but what is meant to, whatever is rolled, replaced or killed; and nothing is left",
  ignore: obstacle !== undefined,
  fn: () => soak({ seconds: 20 }),
});
