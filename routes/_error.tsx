/** Every error as a page: what was tried, what was seen, and what to do now. */
import { HttpError } from "fresh";
import { Prose } from "../src/dashboard/components/figures.tsx";
import { define } from "../src/dashboard/define.ts";
import { errorTitle, retrySeconds, statusOf } from "../src/dashboard/error_title.ts";
import { type MeshError, MeshFailure } from "../src/mesh/error.ts";

function meshErrorOf(error: unknown, path: string): MeshError {
  if (error instanceof HttpError && error.cause instanceof MeshFailure) return error.cause.error;
  if (error instanceof HttpError && error.status === 404) {
    return {
      code: "page-not-found",
      source: "usage",
      detail: `There is no page ${path}.`,
      remedy: "Everything can be reached from the overview.",
    };
  }
  if (error instanceof HttpError) {
    return { code: `status-${error.status}`, source: "usage", detail: error.message };
  }
  return {
    code: "unexpected",
    source: "mesh",
    detail: "The dashboard failed to make this page: a defect of its own.",
    remedy: "Its log says more: `kubectl -n linkerd logs deploy/web -c web`.",
  };
}

export default define.page(({ error, url }) => {
  const status = statusOf(error);
  const seconds = retrySeconds(error);
  const mesh = meshErrorOf(error, url.pathname);
  const causes: MeshError[] = [];
  for (let cause = mesh.cause; cause !== undefined; cause = cause.cause) causes.push(cause);
  return (
    <div class="page">
      <section class="card failure" role="alert">
        <p class="crumbs">{status} · {mesh.code}</p>
        <h1>{errorTitle(error)}</h1>
        <dl>
          <dt>What was seen</dt>
          <dd>
            <Prose text={mesh.detail} />
          </dd>
          {causes.length > 0 && (
            <>
              <dt>Because</dt>
              {causes.map((cause) => (
                <dd key={cause.detail}>
                  <Prose text={cause.detail} />
                </dd>
              ))}
            </>
          )}
          {mesh.remedy !== undefined && (
            <>
              <dt>What now</dt>
              <dd>
                <Prose text={mesh.remedy} />
              </dd>
            </>
          )}
        </dl>
        <p class="actions">
          {seconds !== undefined && <a class="button" href={url.pathname + url.search}>Try again</a>}
          {seconds === undefined && <a class="button" href="/">To the overview</a>}
          {seconds !== undefined && <small>This page tries again by itself every {seconds} seconds.</small>}
        </p>
      </section>
    </div>
  );
});
