/** The document around every page. */
import { define } from "../src/dashboard/define.ts";

export default define.page(({ Component, state }) => (
  <html lang="en">
    <head>
      <meta charSet="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>{state.title}</title>
      <link rel="icon" type="image/svg+xml" href={state.asset("favicon.svg")} />
      <link rel="stylesheet" href={state.asset("style.css")} />
      {state.refreshSeconds !== undefined && (
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
