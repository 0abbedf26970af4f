/** Bodies of requests: bounded; JSON, YAML, or Kubernetes' protobuf. */
import { KubeError } from "../../../kube/client.ts";
import { badRequest } from "../errors.ts";
import { decodeProtobuf } from "./protobuf.ts";

/** As in Kubernetes: what etcd would take, with room. */
const LIMIT_BYTES = 3 * 1024 * 1024;

/** @returns undefined when there is no body */
export async function readBody(request: Request): Promise<unknown> {
  if (request.body === null) return undefined;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.length;
    if (size > LIMIT_BYTES) {
      throw new KubeError(
        413,
        "RequestEntityTooLarge",
        `Request entity too large: limit is ${LIMIT_BYTES}`,
      );
    }
    chunks.push(chunk);
  }
  if (size === 0) return undefined;
  const type = request.headers.get("content-type") ?? "";
  const bytes = new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
  if (type.includes("vnd.kubernetes.protobuf")) return decodeProtobuf(bytes);
  if (type.includes("protobuf") || type.includes("cbor")) {
    throw new KubeError(
      415,
      "UnsupportedMediaType",
      "the body of the request was in an unknown format - accepted media types include: application/json, " +
        "application/yaml, application/vnd.kubernetes.protobuf",
    );
  }
  return await parseBody(new TextDecoder().decode(bytes), type);
}

async function parseBody(text: string, type: string): Promise<unknown> {
  const isYaml = type.includes("yaml") && !/^\s*[{[]/.test(text);
  try {
    if (!isYaml) return JSON.parse(text);
    const { parse } = await import("../../../kube/yaml.ts");
    return parse(text);
  } catch (error) {
    // The YAML parser shows the place below its first line.
    const [why = ""] = (error as Error).message.split("\n");
    throw badRequest(
      isYaml
        ? `error converting YAML to JSON: yaml: ${why.replace(/:$/, "")}`
        : `the object provided is unrecognized (must be of type Object): couldn't get version/kind; json parse error: ${why}`,
    );
  }
}
