/** The frame of every page: the mesh's name, and its namespaces with how much of each is meshed. */
import { define } from "../src/dashboard/define.ts";
import { isKubernetesNamespace, namespacePath, withWindow } from "../src/dashboard/model/resource.ts";
import type { NamespaceSummary } from "../src/mesh/api.ts";
import { VERSION } from "../src/mesh/version.ts";

export default define.layout(({ Component, state }) => {
  const { namespaces, namespace, window } = state;
  const current = (name: string | undefined) =>
    namespaces !== undefined && name === namespace ? "true" : undefined;
  const link = (name: string | undefined) => withWindow(namespacePath(name), window);
  // What is meshed comes first, what belongs to the mesh itself last.
  const rank = ({ isControlPlane, meshedPods, runningPods, name }: NamespaceSummary) =>
    isControlPlane ? 4 : isKubernetesNamespace(name) ? 3 : meshedPods > 0 ? 0 : runningPods > 0 ? 1 : 2;
  const sorted = [...namespaces ?? []].sort((left, right) => rank(left) - rank(right));
  return (
    <>
      <a class="skip" href="#content">Skip to the figures</a>
      <aside class="side">
        <a class="brand" href={link(undefined)}>
          <img src={state.asset("favicon.svg")} width="24" height="24" alt="" />
          <span>
            Linkerd <small>{VERSION}</small>
          </span>
        </a>
        {namespaces !== undefined && (
          <nav class="namespaces" aria-label="Namespaces">
            <h2>Namespaces</h2>
            <ul>
              <li>
                <a href={link(undefined)} aria-current={current(undefined)}>All namespaces</a>
              </li>
              {sorted.map((one) => (
                <li key={one.name} class={one.isControlPlane ? "own" : ""}>
                  <a href={link(one.name)} aria-current={current(one.name)}>
                    <span>{one.name}</span>
                    {one.runningPods > 0 && (
                      <small
                        class={one.meshedPods === 0 ? "none" : one.meshedPods < one.runningPods ? "part" : ""}
                      >
                        {one.meshedPods}/{one.runningPods}
                        <span class="sr">pods meshed</span>
                      </small>
                    )}
                  </a>
                </li>
              ))}
            </ul>
          </nav>
        )}
      </aside>
      <main id="content">
        <Component />
      </main>
    </>
  );
});
