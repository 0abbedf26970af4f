/** What stands where there is nothing to show yet: why, and what to do. */
import type { ComponentChildren } from "preact";
import type { OverviewView } from "../model/overview.ts";

function Notice({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="card empty">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

/** Nothing where there is something to look at. */
export function EmptyNotice({ view }: { view: OverviewView }) {
  const { namespace, summary, rows } = view;
  const where = namespace ?? "my-app";
  const applications = rows.filter((row) => row.isApplication || namespace !== undefined);
  if (summary.meshedPods > 0) {
    if (summary.requests.successRate !== undefined || summary.openConnections > 0) return null;
    return (
      <Notice title="Meshed, and quiet">
        <p>
          {summary.meshedPods === 1 ? "One pod is" : `${summary.meshedPods} pods are`}{" "}
          meshed, but nothing was asked of them in this window. Figures appear here with the first request
          between meshed pods.
        </p>
      </Notice>
    );
  }
  if (applications.length === 0) {
    return (
      <Notice title={namespace === undefined ? "No applications yet" : `No workloads in ${namespace}`}>
        <p>
          The mesh is up and waits for something to carry. Have what you deploy
          {namespace === undefined ? " to a namespace" : " here"} join it:
        </p>
        <pre><code>{namespace === undefined ? `kubectl create namespace ${where}\n` : ""}kubectl annotate namespace {where} linkerd.io/inject=enabled</code></pre>
        <p>
          Without an application at hand, <code>linkerd demo</code> brings a small shop with it.
        </p>
      </Notice>
    );
  }
  return (
    <Notice
      title={namespace === undefined ? "Nothing is meshed yet" : `Nothing in ${namespace} is meshed yet`}
    >
      <p>
        {applications.length === 1 ? "One workload runs" : `${applications.length} workloads run`}{" "}
        without a proxy. Add one to what is there{namespace === undefined ? ", a namespace at a time" : ""}:
      </p>
      <pre><code>kubectl get deploy -n {namespace ?? applications[0]!.resource.namespace} -o yaml | linkerd inject - | kubectl apply -f -</code></pre>
      <p>
        Pods are rolled one by one and come back meshed. <code>linkerd check --proxy</code>{" "}
        says whether all is well with them.
      </p>
    </Notice>
  );
}
