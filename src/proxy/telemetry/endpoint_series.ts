/**
 * The series of one endpoint, made when something is first counted in them: most endpoints of a large service never
 * see a request from this proxy, and a series costs a kilobyte.
 */
import type { HttpSeries } from "./http_series.ts";
import type { TcpSeries } from "./tcp_series.ts";
import type { Labels, Telemetry } from "./telemetry.ts";

export class EndpointSeries {
  #http: HttpSeries | undefined;
  #tcp: TcpSeries | undefined;

  /** @param labels made anew when a series is: they are the same each time */
  constructor(private readonly telemetry: Telemetry, private readonly labels: () => Labels) {}

  get http(): HttpSeries {
    if (this.#http === undefined || this.#http.isForgotten) {
      this.#http = this.telemetry.httpSeries(this.labels());
    }
    return this.#http;
  }

  get tcp(): TcpSeries {
    if (this.#tcp === undefined || this.#tcp.isForgotten) {
      this.#tcp = this.telemetry.tcpSeries({ ...this.labels(), peer: "dst" });
    }
    return this.#tcp;
  }
}
