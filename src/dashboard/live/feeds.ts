/**
 * Views as server-sent events: `view` with a whole view, `fault` with a MeshError when it could not be loaded.
 *
 * All readers of the same view share one loader, which runs only while somebody reads. A reader that falls behind
 * misses views rather than holding them in memory.
 */
import { toMeshError } from "../../mesh/error.ts";
import { eventResponse, RETRY_LINE, tooManyReaders } from "./event_response.ts";

export interface FeedOptions {
  /** Time between the end of one loading and the start of the next. */
  intervalMs: () => number;
  /** Readers at one time, over all views: each holds a connection. */
  maxReaders?: number;
}

interface Feed {
  readonly readers: Set<ReadableStreamDefaultController<Uint8Array>>;
  /** The last event, for who comes later. */
  last: Uint8Array | undefined;
  timer: ReturnType<typeof setTimeout> | undefined;
}

const MAX_BEHIND = 4;

export class Feeds {
  readonly #feeds = new Map<string, Feed>();
  readonly #encoder = new TextEncoder();
  #readers = 0;
  #isStopped = false;

  constructor(private readonly options: FeedOptions) {}

  get readers(): number {
    return this.#readers;
  }

  /**
   * A stream of the view called `key`, starting with what is known.
   *
   * @param load loads the view; the first reader's is used for all
   * @returns status 503 when there are too many readers
   */
  open(key: string, load: () => Promise<object>): Response {
    if (this.#isStopped || this.#readers >= (this.options.maxReaders ?? 256)) {
      return tooManyReaders();
    }
    const feed = this.#feeds.get(key) ?? this.#start(key, load);
    let own: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        own = controller;
        this.#readers++;
        feed.readers.add(controller);
        controller.enqueue(this.#encoder.encode(RETRY_LINE));
        if (feed.last !== undefined) controller.enqueue(feed.last);
      },
      cancel: () => this.#leave(key, feed, own),
    }, { highWaterMark: MAX_BEHIND });
    return eventResponse(body);
  }

  /** Ends all streams; there are no new ones. */
  stop(): void {
    this.#isStopped = true;
    for (const [key, feed] of this.#feeds) {
      for (const reader of [...feed.readers]) {
        this.#leave(key, feed, reader);
        reader.close();
      }
    }
  }

  #start(key: string, load: () => Promise<object>): Feed {
    const feed: Feed = { readers: new Set(), last: undefined, timer: undefined };
    this.#feeds.set(key, feed);
    const round = async () => {
      const event = await this.#event(load);
      if (feed.readers.size === 0) return; // everybody left meanwhile
      feed.last = event;
      for (const reader of feed.readers) {
        if ((reader.desiredSize ?? 0) > 0) reader.enqueue(event);
      }
      feed.timer = setTimeout(round, this.options.intervalMs());
    };
    round();
    return feed;
  }

  async #event(load: () => Promise<object>): Promise<Uint8Array> {
    let name = "view";
    let data: object;
    try {
      data = await load();
    } catch (error) {
      name = "fault";
      data = toMeshError(error);
    }
    return this.#encoder.encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  #leave(key: string, feed: Feed, reader: ReadableStreamDefaultController<Uint8Array>): void {
    if (!feed.readers.delete(reader)) return;
    this.#readers--;
    if (feed.readers.size > 0) return;
    clearTimeout(feed.timer);
    if (this.#feeds.get(key) === feed) this.#feeds.delete(key);
  }
}
