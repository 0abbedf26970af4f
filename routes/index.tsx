/** The overview of all namespaces. */
import Overview from "../islands/Overview.tsx";
import { define } from "../src/dashboard/define.ts";
import { overviewPage } from "../src/dashboard/overview_page.ts";

export const handler = define.handlers({ GET: (context) => overviewPage(context) });

export default define.page<typeof handler>(({ data }) => <Overview {...data} />);
