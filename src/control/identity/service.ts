/** Identity.Certify: a token and a request in, a certificate for exactly that workload out. */
import type { KubeClient } from "../../kube/client.ts";
import { serviceAccountIdentity, type TrustDomain } from "../../mesh/identity.ts";
import type { CertifyRequest, CertifyResponse } from "../../../proto/gen/identity.ts";
import { Code, failedPrecondition, invalidArgument, RpcError } from "../grpc/status.ts";
import type { CredentialWatcher } from "./credentials.ts";
import { checkRequest, CsrError } from "./issue.ts";
import { reviewToken, type ServiceAccount } from "./token.ts";
import { TrustError, verifyIssuer } from "./trust.ts";

export interface CertifyOptions {
  readonly domain: TrustDomain;
  readonly credentials: Pick<CredentialWatcher, "current" | "problem">;
  readonly lifetimeMs: number;
  readonly skewMs: number;
  cluster(): Promise<KubeClient>;
  onIssued?(account: ServiceAccount, identity: string, validUntil: number): void;
  now?(): number;
}

const DNS_NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/;

export async function certify(options: CertifyOptions, request: CertifyRequest): Promise<CertifyResponse> {
  const { identity } = request;
  if (!DNS_NAME.test(identity)) throw invalidArgument(`not a DNS-like identity: ${JSON.stringify(identity)}`);
  if (request.certificateSigningRequest.length === 0) {
    throw invalidArgument("no certificate signing request was sent");
  }
  const loaded = options.credentials.current;
  if (loaded === undefined) {
    throw new RpcError(Code.unavailable, `no issuer is loaded: ${options.credentials.problem ?? "not yet"}`);
  }
  const csr = await checkRequest(request.certificateSigningRequest, identity).catch((error) => {
    if (!(error instanceof CsrError)) throw error;
    throw error.isMalformed ? invalidArgument(error.message) : failedPrecondition(error.message);
  });
  const account = await reviewToken(await options.cluster(), new TextDecoder().decode(request.token));
  const expected = serviceAccountIdentity(account.name, account.namespace, options.domain);
  if (expected !== identity) {
    throw failedPrecondition(`the token is ${expected}'s, the request asks for ${identity}`);
  }
  const now = options.now?.() ?? Date.now();
  try {
    verifyIssuer(loaded.issuer, now);
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
    throw new RpcError(Code.unavailable, `the issuer may not sign: ${error.message}`);
  }
  const leaf = await loaded.signer.sign(csr, identity, { ...options, now });
  options.onIssued?.(account, identity, leaf.notAfter);
  return {
    leafCertificate: leaf.der,
    intermediateCertificates: loaded.issuer.chain.map((certificate) => Uint8Array.from(certificate.raw)),
    validUntil: new Date(leaf.notAfter),
    trustAnchors: loaded.issuer.anchors.map((certificate) => Uint8Array.from(certificate.raw)),
  };
}
