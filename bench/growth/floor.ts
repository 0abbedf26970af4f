/**
 * What carrying bytes costs at the least here: a relay over our own loop and socket calls that gives each client's
 * connection one to the application and moves what comes from one to the other, without a look at it:
 *   floor.ts LISTEN_IP:PORT APP_IP:APP_PORT
 * A request touches as many cold sockets as in a pair (its client's and the application's), and nothing else.
 */
import { parseAddress, type SocketAddress } from "../../src/linux/address.ts";
import { EPOLLIN, EPOLLOUT } from "../../src/linux/epoll.ts";
import { LinearMemory } from "../../src/linux/memory.ts";
import { accept, close, connectTcp, listenTcp, receive, send, setNoDelay } from "../../src/linux/socket.ts";
import { type EventHandler, Loop } from "../../src/proxy/worker/loop.ts";

/** One for all connections; the pointer alone would not keep it. */
const memory = new LinearMemory(new ArrayBuffer(65536)), buffer = memory.pointer(0, memory.size);
const loop = new Loop((error) => console.error(error));

/** One of the two connections; what it reads is written to the other. */
class Side implements EventHandler {
  other: Side | undefined;

  constructor(readonly fd: number) {}

  onEvents(_events: number): void {
    const count = receive(this.fd, buffer, memory.size);
    if (count > 0) send(this.other!.fd, buffer, count); // small answers to who asks once at a time: always taken
    else this.end();
  }

  end(): void {
    for (const { fd } of [this, this.other!]) {
      loop.forget(fd);
      close(fd);
    }
  }

  onFault(error: unknown): void {
    console.error(error);
    this.end();
  }
}

/** The application's; its client is heard once it is connected. */
class Far extends Side {
  #isConnected = false;

  override onEvents(events: number): void {
    if (this.#isConnected) return super.onEvents(events);
    this.#isConnected = true;
    loop.modify(this.fd, EPOLLIN);
    loop.add(this.other!.fd, EPOLLIN, this.other!);
  }
}

function join(client: number, application: SocketAddress): void {
  const fd = connectTcp(application);
  if (fd < 0) throw new Error(`connect: errno ${-fd}`);
  for (const each of [client, fd]) setNoDelay(each);
  const near = new Side(client), far = new Far(fd);
  near.other = far;
  far.other = near;
  loop.add(fd, EPOLLOUT, far);
}

const [listen = "", target = ""] = Deno.args, application = parseAddress(target)!;
const listener = listenTcp(parseAddress(listen)!, { backlog: 16384 });
loop.add(listener, EPOLLIN, {
  onEvents() {
    for (let fd = accept(listener); fd >= 0; fd = accept(listener)) join(fd, application);
  },
  onFault: (error) => console.error(error),
});
await loop.run();
