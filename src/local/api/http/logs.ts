/** pods/NAME/log. */
import type { Pod } from "../../../kube/kinds.ts";
import { KubeError } from "../../../kube/client.ts";
import { badRequest, methodNotAllowed } from "../errors.ts";
import type { StoredObject } from "../object.ts";

export interface LogOptions {
  follow: boolean;
  /** Of the container's run before this. */
  previous: boolean;
  /** Each line begins with the time it was written. */
  timestamps: boolean;
  tailLines?: number;
  sinceTime?: Date;
  limitBytes?: number;
  /** Aborts when the reader is gone. */
  signal: AbortSignal;
}

/** Reads a container's log; rejects with a KubeError when there is none. */
export type LogReader = (
  namespace: string,
  pod: string,
  container: string,
  options: LogOptions,
) => ReadableStream<Uint8Array> | Promise<ReadableStream<Uint8Array>>;

export async function answerLogs(
  read: LogReader | undefined,
  object: StoredObject,
  query: URLSearchParams,
  now: Date,
): Promise<Response> {
  if (read === undefined) throw methodNotAllowed();
  const container = chooseContainer(object as unknown as Pod, query.get("container"));
  const gone = new AbortController();
  const since = query.get("sinceSeconds");
  const sinceTime = query.get("sinceTime");
  const tail = query.get("tailLines");
  const limit = query.get("limitBytes");
  const stream = await read(object.metadata.namespace!, object.metadata.name, container, {
    follow: isTrue(query.get("follow")),
    previous: isTrue(query.get("previous")),
    timestamps: isTrue(query.get("timestamps")),
    ...(tail === null ? {} : { tailLines: amount("tailLines", tail) }),
    ...(limit === null ? {} : { limitBytes: amount("limitBytes", limit) }),
    ...(since !== null
      ? { sinceTime: new Date(now.getTime() - amount("sinceSeconds", since) * 1000) }
      : sinceTime !== null
      ? { sinceTime: new Date(sinceTime) }
      : {}),
    signal: gone.signal,
  });
  return new Response(abortOnCancel(stream, gone), { headers: { "content-type": "text/plain" } });
}

/** The stream, and `gone` aborted when its reader goes away before its end. */
function abortOnCancel(
  stream: ReadableStream<Uint8Array>,
  gone: AbortController,
): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel(reason) {
      gone.abort();
      await reader.cancel(reason);
    },
  });
}

function isTrue(value: string | null): boolean {
  return value === "true" || value === "1";
}

function amount(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw badRequest(`${name} must be a number of at least 0, not "${text}"`);
  return Number(text);
}

function chooseContainer(pod: Pod, wanted: string | null): string {
  const { spec, metadata } = pod;
  const names = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map(({ name }) => name);
  if (wanted !== null && wanted !== "") {
    if (!names.includes(wanted)) {
      throw badRequest(`container ${wanted} is not valid for pod ${metadata?.name}`);
    }
    return wanted;
  }
  const main = (spec?.containers ?? []).map(({ name }) => name);
  if (main.length === 1) return main[0]!;
  throw new KubeError(
    400,
    "BadRequest",
    `a container name must be specified for pod ${metadata?.name}, choose one of: [${main.join(" ")}]`,
  );
}
