/** What taps look at: one request as it leaves this proxy for an endpoint. Strings, made only while a tap runs. */
import type { SocketAddress } from "../../linux/address.ts";

export type TapLabels = Readonly<Record<string, string>>;

/** Which way a request goes, and what is known of both its ends. */
export interface TapPlace {
  readonly direction: "inbound" | "outbound";
  readonly source: SocketAddress;
  readonly sourceLabels: TapLabels;
  readonly destinationLabels: TapLabels;
  readonly routeLabels: TapLabels;
}

export interface TapSubject extends TapPlace {
  readonly destination: SocketAddress;
  readonly method: string;
  /** `http` or `https`. */
  readonly scheme: string;
  readonly authority: string;
  /** Without the query. */
  readonly path: string;
}
