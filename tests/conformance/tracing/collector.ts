/** A collector of traces, as @grpc/grpc-js makes one of OTLP's service. */
import * as grpc from "@grpc/grpc-js";
import {
  ExportTraceServiceRequest,
  type ExportTraceServiceResponse,
  type ResourceSpans,
  type Span,
  TraceServiceDefinition,
} from "../../../proto/gen/otlp_trace.ts";
import { serviceDefinition } from "../../../src/control/grpc/service.ts";

export interface Collector {
  readonly port: number;
  readonly requests: ExportTraceServiceRequest[];
  /** All spans that came. */
  spans(): Span[];
  /** The resources that spans came from, by service name. */
  resource(serviceName: string): ResourceSpans["resource"];
  close(): void;
}

export async function startCollector(port = 0): Promise<Collector> {
  const requests: ExportTraceServiceRequest[] = [], server = new grpc.Server();
  server.addService(serviceDefinition(TraceServiceDefinition), {
    export: (
      call: grpc.ServerUnaryCall<ExportTraceServiceRequest, ExportTraceServiceResponse>,
      done: grpc.sendUnaryData<ExportTraceServiceResponse>,
    ) => {
      requests.push(call.request);
      done(null, { partialSuccess: undefined });
    },
  });
  const bound = await new Promise<number>((done, failed) =>
    server.bindAsync(
      `127.0.0.1:${port}`,
      grpc.ServerCredentials.createInsecure(),
      (error, port) => error ? failed(error) : done(port),
    )
  );
  const all = () => requests.flatMap(({ resourceSpans }) => resourceSpans);
  return {
    port: bound,
    requests,
    spans: () => all().flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    resource: (serviceName) =>
      all().find(({ resource }) =>
        resource?.attributes.some(({ key, value }) =>
          key === "service.name" && value?.value?.value === serviceName
        )
      )?.resource,
    close: () => server.forceShutdown(),
  };
}
