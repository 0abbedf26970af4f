/** An error as every path of the statistics API answers it. */
import type { ErrorResponse } from "../../mesh/api.ts";
import { MeshFailure, toMeshError } from "../../mesh/error.ts";

/** @param status for what the asker did; a fault of ours is logged, and answered 500 */
export function refusal(error: unknown, status = 400): Response {
  const body: ErrorResponse = { error: toMeshError(error) }, isExpected = error instanceof MeshFailure;
  if (!isExpected) console.error(error instanceof Error ? error.stack : error);
  return Response.json(body, { status: isExpected ? status : 500 });
}
