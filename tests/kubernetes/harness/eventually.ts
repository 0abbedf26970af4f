/** Waiting for a component of the node that is still starting. */

const PATIENCE_MS = 60_000, PAUSE_MS = 50;

/** Asks until `isEnough`; what fails is asked again. @throws Error that says what was seen last */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T>,
  isEnough: (answer: T) => boolean,
): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      const answer = await ask();
      if (isEnough(answer)) return answer;
      last = JSON.stringify(answer);
    } catch (error) {
      last = error;
    }
    await new Promise((done) => setTimeout(done, PAUSE_MS));
  }
  throw new Error(`${what}: not within ${PATIENCE_MS / 1000} s; last seen: ${last}`);
}
