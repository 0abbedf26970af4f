/** Asks metrics-api for a tap: through the API server, or at `--api-addr`; with a token that says that it may. */
import { isNotFound } from "../../kube/client.ts";
import { SERVICE_ACCOUNTS, type TokenRequest } from "../../kube/kinds.ts";
import { readLines } from "../../kube/lines.ts";
import { apiPath, type ErrorResponse } from "../../mesh/api.ts";
import { MeshFailure } from "../../mesh/error.ts";
import { CONTROL_PORTS, METRICS_API, TAP_AUDIENCE, TAP_TOKEN_HEADER } from "../../mesh/names.ts";
import type { TapLine, TapQuery } from "../../mesh/tap.ts";
import type { Connection, Environment } from "../environment.ts";
import type { GlobalOptions } from "../global_options.ts";

/** As Kubernetes' least; only the beginning of a tap is asked for it. */
const TOKEN_SECONDS = 600;

/** A token that Kubernetes gives to whom its rules let tap. @throws MeshFailure, KubeError */
async function tokenFor({ client }: Connection, namespace: string): Promise<string> {
  try {
    const request = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { audiences: [TAP_AUDIENCE], expirationSeconds: TOKEN_SECONDS },
    };
    const answer = await client.createSubresource<TokenRequest>(
      SERVICE_ACCOUNTS,
      METRICS_API,
      namespace,
      "token",
      request,
    );
    return answer.status?.token ?? "";
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new MeshFailure({
      code: "service-not-found",
      source: "cluster",
      detail: `there is no ${METRICS_API} in namespace ${namespace}, which taps go through`,
      remedy: "see what is installed with linkerd check",
    });
  }
}

async function refusalOf(response: Response): Promise<MeshFailure> {
  const text = await response.text();
  try {
    const body = JSON.parse(text) as Partial<ErrorResponse>;
    if (body.error !== undefined) return new MeshFailure(body.error);
  } catch {
    // Somebody in between answered: its own words are told.
  }
  return new MeshFailure({
    code: response.status === 404 ? "service-not-found" : "service-unreachable",
    source: "cluster",
    detail: `${METRICS_API} could not be asked: HTTP ${response.status} ${text.trim().slice(0, 200)}`,
    remedy: "see whether its pods are ready, and whether it is of this version: linkerd check",
  });
}

export interface TapStream {
  readonly lines: AsyncIterable<TapLine>;
  close(): void;
}

/** @param queryOf the query, once the kubeconfig's own namespace is known */
export async function openTap(
  queryOf: (namespace: string) => TapQuery,
  global: GlobalOptions,
  environment: Environment,
): Promise<TapStream> {
  const connection = await environment.connect(global), namespace = global.linkerdNamespace;
  try {
    const headers = { [TAP_TOKEN_HEADER]: await tokenFor(connection, namespace) };
    const path = apiPath("/api/v1/tap", queryOf(connection.namespace)), { apiAddr } = global;
    const service = `/api/v1/namespaces/${namespace}/services/${METRICS_API}:${CONTROL_PORTS.metricsApiHttp}`;
    const response = apiAddr === undefined
      ? await connection.client.raw("GET", `${service}/proxy${path}`, { headers })
      : await environment.fetch(`http://${apiAddr}${path}`, headers);
    if (!response.ok || response.body === null) throw await refusalOf(response);
    return { lines: linesOf(response.body), close: () => connection.close() };
  } catch (error) {
    connection.close();
    throw error;
  }
}

async function* linesOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<TapLine> {
  for await (const line of readLines(body)) if (line.trim() !== "") yield JSON.parse(line) as TapLine;
}
