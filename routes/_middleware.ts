/** Gives errors of the mesh their status, so that `_error` can show them with what to do. */
import { HttpError } from "fresh";
import { define } from "../src/dashboard/define.ts";
import { MeshFailure } from "../src/mesh/error.ts";

export default define.middleware(async (context) => {
  try {
    return await context.next();
  } catch (error) {
    if (!(error instanceof MeshFailure)) throw error;
    const { code, source, detail } = error.error;
    const status = code.endsWith("-not-found") ? 404 : source === "usage" ? 400 : 503;
    throw new HttpError(status, detail, { cause: error });
  }
});
