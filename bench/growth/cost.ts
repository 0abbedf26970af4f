/** What a request costs with many connections that all ask, one request at a time each. */
import { answeredRequests } from "../peers/application.ts";
import type { Candidate } from "../peers/candidate.ts";
import { CLIENT_IP, type Environment } from "../peers/environment.ts";
import { processorTime } from "../peers/measure.ts";

/**
 * Microseconds of processor a request, once all connections stand: what opening them costs is not part of it.
 * Requests are counted by the application. @returns those of each process
 */
export async function cost(
  environment: Environment,
  { name, port, pids }: Candidate,
  connections: number,
  seconds: number,
): Promise<number[]> {
  const opening = 1 + connections / 1000;
  const argv = ["wrk", "-t1", `-c${connections}`, `-d${Math.ceil(opening + seconds + 1)}`, "--timeout", "20"];
  const load = environment.output("client", "timeout", "90", ...argv, `http://${CLIENT_IP}:${port}/`);
  const look = async () => ({
    answered: await answeredRequests(environment),
    spent: pids.map((pid) => processorTime([pid])),
  });
  const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));
  await wait(opening * 1000);
  const before = await look();
  await wait(seconds * 1000);
  const after = await look();
  const failures = /Socket errors: .*|Non-2xx.*/.exec(await load)?.[0];
  if (failures !== undefined) console.log(`  ${name}, ${connections} connections: ${failures}`);
  const answered = after.answered - before.answered;
  return after.spent.map((spent, side) => (spent - before.spent[side]!) / answered / 1000);
}
