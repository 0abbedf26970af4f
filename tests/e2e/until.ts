/** Waiting for something a cluster is about to do: asked again and again, and told what was seen last when it is not. */

/** Milliseconds that anything may take before a test gives it up. */
export const PATIENCE_MS = 90_000;
const PAUSE_MS = 100;

/** Asks until `isEnough`. @throws Error that says what was seen last */
export async function until<T>(
  what: string,
  ask: () => Promise<T> | T,
  isEnough: (answer: T) => boolean,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  let last: unknown;
  do {
    try {
      const answer = await ask();
      if (isEnough(answer)) return answer;
      last = answer;
    } catch (error) {
      last = error instanceof Error ? error.message : error;
    }
    await new Promise((done) => setTimeout(done, PAUSE_MS));
  } while (performance.now() < deadline);
  throw new Error(`${what}: not within ${patienceMs / 1000} s; last seen: ${JSON.stringify(last)}`);
}
