/** The overview of one namespace. */
import Overview from "../../../islands/Overview.tsx";
import { define } from "../../../src/dashboard/define.ts";
import { overviewPage } from "../../../src/dashboard/overview_page.ts";

export const handler = define.handlers({
  GET: (context) => overviewPage(context, context.params.namespace),
});

export default define.page<typeof handler>(({ data }) => <Overview {...data} />);
