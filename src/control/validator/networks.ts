/** Networks with exceptions, as policies list them. */
import type { PolicyNetwork } from "../../kube/kinds.ts";
import { Network } from "../wire/address.ts";
import { must } from "./invalid.ts";

/** An exception must take something away, and leave something. @throws Invalid */
export function checkNetworks(networks: readonly PolicyNetwork[], at: string): void {
  for (const { cidr, except = [] } of networks) {
    const network = Network.parse(cidr);
    must(network !== undefined, `${at}: not a network: ${JSON.stringify(cidr)}`);
    for (const text of except) {
      const exception = Network.parse(text);
      must(exception !== undefined, `${at}: not a network: ${JSON.stringify(text)}`);
      must(network.covers(exception), `${at}: the exception ${text} is not inside of ${cidr}`);
      must(!exception.covers(network), `${at}: the exception ${text} leaves nothing of ${cidr}`);
    }
  }
}
