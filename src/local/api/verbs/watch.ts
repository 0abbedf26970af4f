/**
 * watch: the changes of a collection from a version on, filtered, in order, with bookmarks.
 *
 * A watch is a queue the store fills and its reader empties; a reader that falls too far behind is cut off and
 * resumes, so that a stalled one cannot hold memory.
 */
import { badRequest, methodNotAllowed } from "../errors.ts";
import type { StoredObject } from "../object.ts";
import { groupVersion, type ResourceDefinition } from "../registry/definition.ts";
import { parseSelection, type Selection } from "../selection.ts";
import type { StoreEvent } from "../store/store.ts";
import type { ListParameters } from "./read.ts";
import { present } from "./read.ts";
import type { ApiState } from "./state.ts";

export interface WatchParameters extends ListParameters {
  allowsBookmarks?: boolean;
  sendsInitialEvents?: boolean;
  timeoutSeconds?: number | undefined;
}

export interface ApiWatchEvent {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  object: StoredObject;
}

/** Events a reader may leave in its queue. */
const QUEUE_LIMIT = 16_384;

const BOOKMARK_MS = 30_000;

/** All open watches of a server: gives them bookmarks, and ends them when it stops. */
export class WatchHub {
  readonly #watches = new Set<Watch>();
  #timer: ReturnType<typeof setInterval> | undefined;

  open(
    state: ApiState,
    definition: ResourceDefinition,
    namespace: string | undefined,
    parameters: WatchParameters,
  ): Watch {
    if (!definition.isStored) throw methodNotAllowed();
    const watch = new Watch(state, definition, namespace, parameters, () => this.#closed(watch));
    this.#watches.add(watch);
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => {
        for (const each of this.#watches) each.bookmark();
      }, BOOKMARK_MS);
      Deno.unrefTimer(this.#timer);
    }
    return watch;
  }

  /** Ends the watches of a resource that is no longer served, or all. */
  close(resource?: string): void {
    for (const watch of [...this.#watches]) {
      if (resource === undefined || watch.resource === resource) watch.close();
    }
  }

  #closed(watch: Watch): void {
    this.#watches.delete(watch);
    if (this.#watches.size === 0 && this.#timer !== undefined) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }
}

export class Watch {
  readonly resource: string;
  readonly #state: ApiState;
  readonly #definition: ResourceDefinition;
  readonly #namespace: string | undefined;
  readonly #selects: Selection | undefined;
  readonly #allowsBookmarks: boolean;
  readonly #onClose: () => void;
  readonly #unlisten: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #queue: ApiWatchEvent[] = [];
  #wake: (() => void) | undefined;
  #isClosed = false;

  constructor(
    state: ApiState,
    definition: ResourceDefinition,
    namespace: string | undefined,
    parameters: WatchParameters,
    onClose: () => void,
  ) {
    this.#state = state;
    this.#definition = definition;
    this.#namespace = namespace;
    this.resource = definition.resource;
    this.#selects = parseSelection(definition, parameters.labelSelector, parameters.fieldSelector);
    this.#allowsBookmarks = parameters.allowsBookmarks === true;
    this.#onClose = onClose;
    this.#start(parameters);
    this.#unlisten = state.store.listenTo(this.resource, (event) => this.#onEvent(event));
    const { timeoutSeconds } = parameters;
    if (timeoutSeconds !== undefined && timeoutSeconds > 0) {
      this.#timer = setTimeout(() => {
        this.bookmark();
        this.close();
      }, Math.min(timeoutSeconds, 86_400) * 1000);
    }
  }

  #start(parameters: WatchParameters): void {
    const { resourceVersion = "", sendsInitialEvents } = parameters;
    if (resourceVersion !== "" && !/^\d+$/.test(resourceVersion)) {
      throw badRequest(`resourceVersion: Invalid value: "${resourceVersion}": must be a number`);
    }
    const isFromNow = resourceVersion === "" || resourceVersion === "0";
    if (isFromNow ? sendsInitialEvents !== false : sendsInitialEvents === true) {
      for (const object of this.#state.store.list(this.resource, this.#namespace)) {
        if (this.#selects?.(object) ?? true) this.#push("ADDED", object);
      }
      if (sendsInitialEvents === true && this.#allowsBookmarks) {
        this.#push("BOOKMARK", this.#bookmarkObject({ "k8s.io/initial-events-end": "true" }));
      }
    } else if (!isFromNow) {
      for (const event of this.#state.store.since(this.resource, Number(resourceVersion))) {
        this.#onEvent(event);
      }
    }
  }

  #onEvent({ type, object, previous }: StoreEvent): void {
    if (this.#isClosed) return;
    if (this.#namespace !== undefined && object.metadata.namespace !== this.#namespace) return;
    const selects = this.#selects;
    if (selects === undefined) return this.#push(type, object);
    const wasSelected = previous !== undefined && selects(previous);
    if (type === "DELETED") {
      if (wasSelected) this.#push("DELETED", object);
      return;
    }
    if (selects(object)) this.#push(wasSelected ? "MODIFIED" : "ADDED", object);
    else if (wasSelected) this.#push("DELETED", object);
  }

  #push(type: ApiWatchEvent["type"], object: StoredObject): void {
    if (this.#queue.length >= QUEUE_LIMIT) return this.close();
    this.#queue.push({ type, object: present(this.#definition, object) });
    this.#wakeUp();
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #bookmarkObject(annotations?: Record<string, string>): StoredObject {
    const metadata = {
      resourceVersion: String(this.#state.store.version),
      creationTimestamp: null,
      ...(annotations === undefined ? {} : { annotations }),
    };
    const { kind } = this.#definition;
    return { apiVersion: groupVersion(this.#definition), kind, metadata } as unknown as StoredObject;
  }

  /** Tells the reader the newest version, so that it can resume from there; nothing if it has not read the last. */
  bookmark(): void {
    if (this.#allowsBookmarks && this.#queue.length === 0) this.#push("BOOKMARK", this.#bookmarkObject());
  }

  /** What has come since the last call; waits for something. Empty once the watch is closed. */
  async next(): Promise<ApiWatchEvent[]> {
    if (this.#queue.length === 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const events = this.#queue;
    this.#queue = [];
    return events;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#unlisten();
    this.#onClose();
    this.#wakeUp();
  }
}
