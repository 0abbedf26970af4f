/**
 * Pipes through which the kernel moves bytes from socket to socket. A direction of a tunnel takes one while it
 * streams and gives it back empty, so an idle connection holds none; past the bound tunnels copy instead.
 */
import { SystemError } from "../../linux/errno.ts";
import { close } from "../../linux/socket.ts";
import { createPipe, setPipeSize } from "../../linux/splice.ts";
import type { Loop } from "../worker/loop.ts";

/** Pipes in use at one time, and those kept for the next: two descriptors each. */
const MOST_IN_USE = 256, MOST_FREE = 16;
/** Bytes asked for; the system may grant less (pipe(7), pipe-user-pages-soft). */
const PIPE_SIZE = 256 * 1024;

export interface Pipe {
  readonly reading: number;
  readonly writing: number;
}

export class PipePool {
  readonly #free: Pipe[] = [];
  #inUse = 0;

  /** An empty pipe; undefined when there are enough, or no descriptor is left. */
  take(): Pipe | undefined {
    if (this.#inUse >= MOST_IN_USE) return undefined;
    const pipe = this.#free.pop() ?? this.#create();
    if (pipe !== undefined) this.#inUse++;
    return pipe;
  }

  #create(): Pipe | undefined {
    try {
      const [reading, writing] = createPipe();
      setPipeSize(writing, PIPE_SIZE); // refused past the user's share: 64 KiB do, too
      return { reading, writing };
    } catch (error) {
      if (error instanceof SystemError) return undefined; // no descriptor is left: bytes are copied
      throw error;
    }
  }

  /** @param isEmpty false when bytes are left in it: it is of no use to another */
  give(pipe: Pipe, isEmpty: boolean): void {
    this.#inUse--;
    if (isEmpty && this.#free.length < MOST_FREE) return void this.#free.push(pipe);
    close(pipe.reading);
    close(pipe.writing);
  }

  get inUse(): number {
    return this.#inUse;
  }
}

const pools = new WeakMap<Loop, PipePool>();

/** The pool of a loop. */
export function pipesOf(loop: Loop): PipePool {
  let pool = pools.get(loop);
  if (pool === undefined) pools.set(loop, pool = new PipePool());
  return pool;
}
