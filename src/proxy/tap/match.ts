/**
 * What an observation asks for, compiled once to a predicate: nothing is decoded or parsed per request.
 * Source: protocol-api.md §11 (ObserveRequest.Match).
 */
import type {
  ObserveRequest_Match,
  ObserveRequest_Match_Http,
  ObserveRequest_Match_Http_StringMatch,
  ObserveRequest_Match_Tcp,
} from "../../../proto/gen/tap.ts";
import { addressBytes, contains } from "../config/network.ts";
import { networkOf } from "../control/translate_net.ts";
import type { SocketAddress } from "../../linux/address.ts";
import { methodText, schemeText } from "./http_types.ts";
import type { TapSubject } from "./subject.ts";

export type TapMatcher = (subject: TapSubject) => boolean;

/** Terms of one match; each costs a little of every request while the observation runs. */
const MAX_TERMS = 128;

/** The match asks for what there is not; the caller is told so. */
export class InvalidMatch extends Error {
  override readonly name = "InvalidMatch";
}

class Compiler {
  #terms = 0;

  compile(match: ObserveRequest_Match | undefined): TapMatcher {
    if (++this.#terms > MAX_TERMS) throw new InvalidMatch(`a match of more than ${MAX_TERMS} terms`);
    const term = match?.match;
    switch (term?.$case) {
      case "all": {
        const matchers = term.value.matches.map((one) => this.compile(one));
        return (subject) => matchers.every((matches) => matches(subject));
      }
      case "any": {
        const matchers = term.value.matches.map((one) => this.compile(one));
        return (subject) => matchers.some((matches) => matches(subject));
      }
      case "not": {
        const matches = this.compile(term.value);
        return (subject) => !matches(subject);
      }
      case "source":
        return ofAddress(term.value, (subject) => subject.source);
      case "destination":
        return ofAddress(term.value, (subject) => subject.destination);
      case "http":
        return ofHttp(term.value);
      case "destinationLabel": {
        const { key, value } = term.value;
        return ({ destinationLabels }) =>
          Object.hasOwn(destinationLabels, key) && destinationLabels[key] === value;
      }
      case "routeLabel": {
        const { key, value } = term.value;
        return ({ routeLabels }) => Object.hasOwn(routeLabels, key) && routeLabels[key] === value;
      }
    }
    throw new InvalidMatch("a match that says nothing, or of a kind that is not known");
  }
}

function ofAddress(
  tcp: ObserveRequest_Match_Tcp,
  addressOf: (subject: TapSubject) => SocketAddress,
): TapMatcher {
  const { match } = tcp;
  if (match?.$case === "ports") {
    const { min, max } = match.value;
    if (min > max || max > 65_535) throw new InvalidMatch(`ports from ${min} to ${max}`);
    return (subject) => {
      const { port } = addressOf(subject);
      return port >= min && port <= max;
    };
  }
  if (match?.$case !== "netmask") throw new InvalidMatch("an address that says nothing");
  const network = networkOf({ ip: match.value.ip, prefixLen: match.value.mask });
  if (network === undefined) {
    throw new InvalidMatch(`a network of no address, or with mask ${match.value.mask}`);
  }
  return (subject) => {
    const bytes = addressBytes(addressOf(subject).ip);
    return bytes !== undefined && contains(network, bytes);
  };
}

function ofHttp({ match }: ObserveRequest_Match_Http): TapMatcher {
  switch (match?.$case) {
    case "scheme": {
      const scheme = schemeText(match.value);
      if (scheme === undefined) throw new InvalidMatch("a scheme that is not known");
      return (subject) => subject.scheme === scheme;
    }
    case "method": {
      const method = methodText(match.value);
      if (method === undefined) throw new InvalidMatch("a method that is not known");
      return (subject) => subject.method === method;
    }
    case "authority": {
      const matches = ofString(match.value);
      return (subject) => matches(subject.authority);
    }
    case "path": {
      const matches = ofString(match.value);
      return (subject) => matches(subject.path);
    }
  }
  throw new InvalidMatch("an HTTP match that says nothing");
}

function ofString({ match }: ObserveRequest_Match_Http_StringMatch): (text: string) => boolean {
  if (match === undefined) throw new InvalidMatch("a text that says neither exact nor prefix");
  const { value } = match;
  return match.$case === "exact" ? (text) => text === value : (text) => text.startsWith(value);
}

/** @throws InvalidMatch with what is wrong, in words for the caller */
export function compileMatch(match: ObserveRequest_Match | undefined): TapMatcher {
  return new Compiler().compile(match);
}
