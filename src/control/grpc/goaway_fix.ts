/**
 * Keeps node:http2 of Deno 2.9 alive when a peer sends GOAWAY: imported first by everything that loads @grpc/grpc-js.
 *
 * The runtime frees a session while the callback that reports the GOAWAY is still on the stack, and the process aborts
 * (denoland/deno#36788). Here, tear-down asked for during that event is moved to the next turn. A server without it died
 * in six of six runs of hostile clients, with it in none.
 */
import http2 from "node:http2";
import { Duplex } from "node:stream";

type Method = (this: Session, ...args: unknown[]) => unknown;
interface Session {
  close?: Method;
  destroy?: Method;
  emit?: Method;
}

/** A session over a stream that leads nowhere: the only way to the class, which node:http2 does not export. */
const probe = http2.connect("http://127.0.0.1:1", {
  createConnection: () =>
    new Duplex({
      read() {},
      write(_chunk, _encoding, done) {
        done();
      },
    }),
});
probe.on("error", () => {/* The probe never connects; its failure is no news. */});

let prototype = Object.getPrototypeOf(probe) as Session | null;
while (prototype !== null && !(Object.hasOwn(prototype, "close") && Object.hasOwn(prototype, "destroy"))) {
  prototype = Object.getPrototypeOf(prototype) as Session | null;
}
if (prototype === null) {
  throw new Error("node:http2 has changed: session prototype not found, the GOAWAY fix needs another look");
}
const { close, destroy, emit } = prototype as Required<Session>;

prototype.emit = function (this: Session, event: unknown, ...args: unknown[]) {
  if (event === "goaway") {
    this.close = (...rest: unknown[]) => void setImmediate(() => close.apply(this, rest));
    this.destroy = (...rest: unknown[]) => void setImmediate(() => destroy.apply(this, rest));
    setImmediate(() => {
      delete this.close;
      delete this.destroy;
    });
  }
  return emit.call(this, event, ...args);
};
destroy.call(probe as unknown as Session);
