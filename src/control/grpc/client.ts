/** A typed gRPC client over @grpc/grpc-js: for tests, and for commands that ask the control plane itself. */
import "./goaway_fix.ts";
import { Client, type ClientReadableStream, credentials, Metadata } from "@grpc/grpc-js";
import { methodDefinition, type RequestOf, type ResponseOf, type ServiceDescription } from "./service.ts";

export class GrpcClient<S extends ServiceDescription> {
  readonly #client: Client;
  readonly #service: S;

  /** @param address `host:port`, plain text */
  constructor(service: S, address: string) {
    this.#service = service;
    this.#client = new Client(address, credentials.createInsecure());
  }

  /** Rejects with grpc-js's ServiceError: `code` and `details`. */
  call<M extends keyof S["methods"] & string>(
    method: M,
    request: RequestOf<S, M>,
    options: { deadlineMs?: number } = {},
  ): Promise<ResponseOf<S, M>> {
    const definition = methodDefinition(this.#service, method);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        definition.path,
        definition.requestSerialize,
        definition.responseDeserialize,
        request as object,
        new Metadata(),
        { deadline: Date.now() + (options.deadlineMs ?? 10_000) },
        (error, response) => error === null ? resolve(response as ResponseOf<S, M>) : reject(error),
      );
    });
  }

  /** An async iterable of messages; `cancel()` ends it. */
  stream<M extends keyof S["methods"] & string>(
    method: M,
    request: RequestOf<S, M>,
    headers: Readonly<Record<string, string>> = {},
  ): ClientReadableStream<ResponseOf<S, M>> & AsyncIterable<ResponseOf<S, M>> {
    const definition = methodDefinition(this.#service, method), metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    return this.#client.makeServerStreamRequest(
      definition.path,
      definition.requestSerialize,
      definition.responseDeserialize as (bytes: unknown) => ResponseOf<S, M>,
      request as object,
      metadata,
    );
  }

  close(): void {
    this.#client.close();
  }
}
