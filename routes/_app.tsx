/** The document around every page. */
import { define } from "../src/dashboard/define.ts";
import { errorTitle, retrySeconds } from "../src/dashboard/error_title.ts";

export default define.page(({ Component, state, error }) => (
  <html lang="en">
    <head>
      <meta charSet="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>{error === null ? state.title : `${errorTitle(error)} · Linkerd`}</title>
      <link rel="icon" type="image/svg+xml" href={state.asset("favicon.svg")} />
      <link rel="stylesheet" href={state.asset("style.css")} />
      {error !== null && retrySeconds(error) !== undefined && (
        <meta http-equiv="refresh" content={String(retrySeconds(error))} />
      )}
      {error === null && state.refreshSeconds !== undefined && (
        <noscript>
          <meta http-equiv="refresh" content={String(state.refreshSeconds)} />
        </noscript>
      )}
    </head>
    <body>
      <Component />
    </body>
  </html>
));
