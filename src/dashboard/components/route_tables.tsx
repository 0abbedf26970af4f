/** A workload's routes: what its Servers admitted, and what it asked for, of which backends. */
import type {
  BackendRow,
  InboundRouteRow,
  OutboundRouteRow,
  OutboundStats,
  PortName,
  RouteName,
} from "../../mesh/route_api.ts";
import { HEALTH_TITLES, healthOf } from "../model/health.ts";
import { countText, Dot, Nothing, RequestCells, RequestHeads } from "./figures.tsx";

function Route({ route: { kind, name } }: { route: RouteName }) {
  return kind === "default" ? <span class="nothing">default</span> : (
    <>
      {name} <small>{kind}</small>
    </>
  );
}

const portText = ({ name, port }: PortName) => `${name}:${port}`;

export function InboundRoutes({ rows }: { rows: readonly InboundRouteRow[] }) {
  return (
    <div class="scroll">
      <table class="rows">
        <caption class="sr">What its Servers admitted, by route</caption>
        <thead>
          <tr>
            <th scope="col" class="name">Server</th>
            <th scope="col">Route</th>
            <RequestHeads />
          </tr>
        </thead>
        <tbody>
          {rows.map(({ server, route, requests }) => (
            <tr key={`${server.kind} ${portText(server)} ${route.kind} ${route.name}`}>
              <th scope="row" class="name">
                <Dot health={healthOf(requests)} label={HEALTH_TITLES[healthOf(requests)]} />
                {server.kind === "default" ? `port ${server.port}` : portText(server)}
                {server.kind === "default" && <small>{server.name}</small>}
              </th>
              <td>
                <Route route={route} />
              </td>
              <RequestCells requests={requests} />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Count({ value }: { value: number | undefined }) {
  return value === undefined || value === 0 ? <Nothing /> : <>{countText(value)}</>;
}

function OutboundFigures({ stats, retries }: { stats: OutboundStats; retries?: number }) {
  return (
    <>
      <RequestCells requests={stats.requests} apartFromMs={stats.toldApartFromMs} />
      <td class="figure">
        <Count value={stats.timeouts} />
      </td>
      <td class="figure">
        <Count value={retries} />
      </td>
    </>
  );
}

/** A lone backend that is the Service itself says nothing that its route does not. */
function toldBackends({ parent, backends }: OutboundRouteRow): readonly BackendRow[] {
  const [only] = backends, isItself = backends.length === 1 && only?.backend.namespace === parent.namespace;
  return isItself && portText(only.backend) === portText(parent) ? [] : backends;
}

export function OutboundRoutes({ rows }: { rows: readonly OutboundRouteRow[] }) {
  return (
    <div class="scroll">
      <table class="rows">
        <caption class="sr">What it asked for, by route and backend</caption>
        <thead>
          <tr>
            <th scope="col" class="name">Service</th>
            <th scope="col">Route or backend</th>
            <RequestHeads more={["Timeouts", "Retries"]} />
          </tr>
        </thead>
        {rows.map((row) => {
          const { parent, route } = row, health = healthOf(row.requests);
          const key = `${parent.namespace} ${
            portText(parent)
          } ${route.kind} ${route.namespace} ${route.name}`;
          return (
            <tbody key={key}>
              <tr>
                <th scope="row" class="name">
                  <Dot health={health} label={HEALTH_TITLES[health]} />
                  {portText(parent)}
                </th>
                <td>
                  <Route route={route} />
                </td>
                <OutboundFigures stats={row} retries={row.retries} />
              </tr>
              {toldBackends(row).map((stats) => (
                <tr key={`${stats.backend.namespace} ${portText(stats.backend)}`}>
                  <td></td>
                  <td>
                    <span aria-hidden="true">└</span> {portText(stats.backend)}
                  </td>
                  <OutboundFigures stats={stats} />
                </tr>
              ))}
            </tbody>
          );
        })}
      </table>
    </div>
  );
}
