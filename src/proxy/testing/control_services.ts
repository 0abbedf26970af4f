/**
 * The control plane's services over gRPC for a proxy's process in a test or a benchmark: identities are issued by a
 * test authority, and whatever the proxy watches is answered as the caller says.
 */
import { Buffer } from "node:buffer";
import * as grpc from "@grpc/grpc-js";
import { GetDestination } from "../../../proto/gen/destination.ts";
import { CertifyRequest, CertifyResponse } from "../../../proto/gen/identity.ts";
import { PortSpec } from "../../../proto/gen/inbound.ts";
import { TrafficSpec } from "../../../proto/gen/outbound.ts";
import type { IssueOptions, TestAuthority } from "./certificates.ts";

type Stream = grpc.ServerWritableStream<Buffer, Buffer>;

/** What the services answer; a watch without an answer stays open and silent. */
export interface ControlAnswers {
  /** Messages of Destination.Get for a name. */
  readonly endpoints?: (path: string, send: (message: Uint8Array) => void) => void;
  /** Messages of OutboundPolicies.Watch. */
  readonly outbound?: (spec: TrafficSpec, send: (message: Uint8Array) => void) => void;
  /** Messages of InboundServerPolicies.WatchPort. */
  readonly inbound?: (port: number, send: (message: Uint8Array) => void) => void;
  readonly certificates?: IssueOptions;
}

export interface ControlServices {
  readonly port: number;
  /** Certificates issued so far. */
  readonly issued: () => number;
  close(): void;
}

function method(path: string, responseStream: boolean): grpc.MethodDefinition<Buffer, Buffer> {
  const same = (bytes: Buffer) => bytes;
  return {
    path,
    requestStream: false,
    responseStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

const PACKAGE = "/io.linkerd.proxy";

/** Starts all services on one loopback port, in plain text. */
export async function startControlServices(
  authority: TestAuthority,
  answers: ControlAnswers = {},
): Promise<ControlServices> {
  let issued = 0;
  const server = new grpc.Server();
  const certify = async (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
    const { identity, certificateSigningRequest } = CertifyRequest.decode(call.request);
    const leafCertificate = await authority.certify(
      identity,
      certificateSigningRequest,
      answers.certificates,
    );
    issued++;
    const trustAnchors = [authority.anchor];
    const response = { leafCertificate, intermediateCertificates: [], validUntil: new Date(), trustAnchors };
    done(null, Buffer.from(CertifyResponse.encode(response).finish()));
  };
  const sender = (stream: Stream) => (message: Uint8Array) => void stream.write(Buffer.from(message));
  server.addService({
    certify: method(`${PACKAGE}.identity.Identity/Certify`, false),
    get: method(`${PACKAGE}.destination.Destination/Get`, true),
    getProfile: method(`${PACKAGE}.destination.Destination/GetProfile`, true),
    watchOutbound: method(`${PACKAGE}.outbound.OutboundPolicies/Watch`, true),
    watchPort: method(`${PACKAGE}.inbound.InboundServerPolicies/WatchPort`, true),
  }, {
    certify: (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) =>
      void certify(call, done).catch((error) => done(error)),
    get: (stream: Stream) => answers.endpoints?.(GetDestination.decode(stream.request).path, sender(stream)),
    getProfile: (stream: Stream) =>
      stream.emit("error", { code: grpc.status.INVALID_ARGUMENT, details: "no profiles here" }),
    watchOutbound: (stream: Stream) => answers.outbound?.(TrafficSpec.decode(stream.request), sender(stream)),
    watchPort: (stream: Stream) => answers.inbound?.(PortSpec.decode(stream.request).port, sender(stream)),
  });
  const port = await new Promise<number>((done, failed) =>
    server.bindAsync(
      "127.0.0.1:0",
      grpc.ServerCredentials.createInsecure(),
      (error, port) => error ? failed(error) : done(port),
    )
  );
  return { port, issued: () => issued, close: () => server.forceShutdown() };
}
