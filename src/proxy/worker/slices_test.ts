import { deepEqual, equal, ok } from "node:assert/strict";
import { Slices } from "./slices.ts";

/** A loop of fake time: each look at the clock costs nothing, each step of a task what the test says. */
class Rig {
  now = 1_000_000;
  servedAt = -Infinity;
  readonly faults: unknown[] = [];
  readonly #due: { at: number; callback: () => void }[] = [];
  /** When each slice began, and how long it took. */
  readonly slices: { at: number; took: number }[] = [];
  readonly work = new Slices(this, (fault) => this.faults.push(fault), () => this.now);

  defer(callback: () => void): void {
    this.#due.push({ at: this.now, callback });
  }

  after(delayMs: number, callback: () => void): () => void {
    this.#due.push({ at: this.now + 1000 * delayMs, callback });
    return () => {};
  }

  /** Runs what is due next; a turn takes at least 10 µs. @returns false when nothing is left */
  async turn(): Promise<boolean> {
    this.#due.sort((a, b) => a.at - b.at);
    const next = this.#due.shift();
    if (next === undefined) return false;
    this.now = Math.max(this.now + 10, next.at);
    const at = this.now;
    next.callback();
    for (let i = 0; i < 10; i++) await null;
    if (this.now > at) this.slices.push({ at, took: this.now - at });
    return true;
  }

  async finish(): Promise<void> {
    while (await this.turn());
  }

  /** A task of steps that take so many microseconds each. */
  *task(steps: number, micros: number, onEnd = () => {}): Generator<void> {
    for (let i = 0; i < steps; i++) {
      this.now += micros;
      if (i < steps - 1) yield;
    }
    onEnd();
  }

  get gaps(): number[] {
    return this.slices.slice(1).map(({ at }, i) => at - this.slices[i]!.at - this.slices[i]!.took);
  }
}

Deno.test("while no connection is served, work goes on in every turn", async () => {
  const rig = new Rig();
  rig.work.run(rig.task(100, 60));
  await rig.finish();
  ok(rig.gaps.every((gap) => gap <= 20), rig.gaps.join());
});

Deno.test("a slice ends with the step in which its time is over", async () => {
  const rig = new Rig();
  rig.work.run(rig.task(100, 40));
  await rig.finish();
  ok(rig.slices.every(({ took }) => took <= 190), JSON.stringify(rig.slices));
  equal(rig.slices[0]!.took, 160);
});

Deno.test("while connections are served, the loop rests between slices", async () => {
  const rig = new Rig();
  rig.work.run(rig.task(40, 100));
  for (let more = true; more; more = await rig.turn()) rig.servedAt = rig.now - 1000;
  ok(rig.slices.length >= 20);
  ok(rig.gaps.every((gap) => gap >= 800 && gap <= 1200), rig.gaps.join());
});

Deno.test("a connection that has just spoken is left alone, but not for ever", async () => {
  const rig = new Rig();
  Object.defineProperty(rig, "servedAt", { get: () => rig.now }); // somebody always has just spoken
  rig.work.run(rig.task(20, 200));
  await rig.finish();
  equal(rig.slices.length, 20);
  ok(rig.gaps.every((gap) => gap >= 2500 && gap <= 4000), rig.gaps.join());
});

Deno.test("work that does not end within seconds is held back no longer", async () => {
  const rig = new Rig();
  Object.defineProperty(rig, "servedAt", { get: () => rig.now });
  let endedAt = 0;
  rig.work.run(rig.task(20_000, 160, () => endedAt = rig.now));
  await rig.finish();
  const took = endedAt - 1_000_000;
  ok(took > 3_000_000 && took < 3_000_000 + 20_000 * 180, `${took} µs`);
});

Deno.test("a small task does not wait for a big one, and one that throws ends alone", async () => {
  const rig = new Rig(), ended: string[] = [];
  rig.work.run(rig.task(1000, 10, () => ended.push("big")));
  rig.work.run((function* () {
    yield;
    throw new Error("broken");
  })());
  rig.work.run(rig.task(3, 10, () => ended.push("small")));
  await rig.finish();
  deepEqual(ended, ["small", "big"]);
  deepEqual(rig.faults.map(String), ["Error: broken"]);
});

Deno.test("a task that is cancelled does no more", async () => {
  const rig = new Rig();
  let steps = 0, isClosed = false;
  const cancel = rig.work.run((function* () {
    try {
      for (;;) {
        steps++;
        rig.now += 200;
        yield;
      }
    } finally {
      isClosed = true;
    }
  })());
  await rig.turn();
  cancel();
  await rig.finish();
  deepEqual([steps, isClosed], [1, true]);
});

Deno.test("work that is no generator shares the slices, and knows when its own is over", async () => {
  const rig = new Rig(), looks: number[] = [];
  rig.work.run(rig.task(100, 200));
  const scrape = (async () => {
    for (let i = 0; i < 10; i++) {
      await rig.work.begun();
      let count = 0;
      for (; !rig.work.isOver; count++) rig.now += 30;
      looks.push(count);
    }
  })();
  await rig.finish();
  await scrape;
  deepEqual(looks, new Array(10).fill(5));
});
