/**
 * A netlink socket, asked and answered in one synchronous call.
 *
 * The kernel works inside send(): when it returns, the answer is already queued, so that nothing waits and no thread
 * or promise is needed. A socket stays in the network namespace it was opened in, wherever its thread goes later.
 *
 * Source: netlink(7).
 */
import { errno, SystemError } from "../errno.ts";
import { LinearMemory } from "../memory.ts";
import {
  type Message,
  type MessageWriter,
  NLMSG_DONE,
  NLMSG_ERROR,
  parseAttributes,
  parseMessages,
  textOf,
} from "./message.ts";

const symbols = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "pointer", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "pointer", "i32"], result: "i32" },
  send: { parameters: ["i32", "pointer", "i32", "i32"], result: "i32" },
  recv: { parameters: ["i32", "pointer", "i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32", nonblocking: true },
  sendLater: {
    name: "send",
    parameters: ["i32", "pointer", "i32", "i32"],
    result: "i32",
    nonblocking: true,
  },
}).symbols;

const AF_NETLINK = 16, SOCK_RAW = 3, SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1, SO_SNDBUF = 7, SO_RCVTIMEO = 20, SOL_NETLINK = 270, NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11, NLM_F_ACK_TLVS = 0x200, NLM_F_CAPPED = 0x100;
export const NETLINK_ROUTE = 0, NETLINK_NETFILTER = 12;
/** Largest batch sent and largest datagram received. */
const CAPACITY = 1 << 20;
const RECEIVE_SECONDS = 5;

/** Shared by every connection of the isolate: each exchange ends before the next begins. */
let shared: LinearMemory | undefined;

/** What the kernel said no to. */
export class NetlinkError extends SystemError {
  constructor(call: string, number: number, context: string, readonly sequence: number) {
    super(call, number, context);
  }
}

export class NetlinkConnection {
  readonly #fd: number;
  readonly #memory = shared ??= new LinearMemory(new ArrayBuffer(CAPACITY));
  #isClosed = false;

  /** Opens a socket in the network namespace the calling thread is in. @throws SystemError */
  constructor(protocol: typeof NETLINK_ROUTE | typeof NETLINK_NETFILTER) {
    this.#fd = symbols.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    if (this.#fd < 0) throw new SystemError("socket", errno(), "AF_NETLINK");
    const { view } = this.#memory;
    const setOption = (level: number, option: number, value: number, size: number) => {
      view.setUint32(0, value, true);
      view.setUint32(4, 0, true);
      view.setUint32(8, 0, true);
      view.setUint32(12, 0, true);
      symbols.setsockopt(this.#fd, level, option, this.#memory.pointer(0, 16), size);
    };
    setOption(SOL_SOCKET, SO_SNDBUF, CAPACITY, 4);
    setOption(SOL_SOCKET, SO_RCVTIMEO, RECEIVE_SECONDS, 16);
    setOption(SOL_NETLINK, NETLINK_CAP_ACK, 1, 4);
    setOption(SOL_NETLINK, NETLINK_EXT_ACK, 1, 4);
  }

  #send(bytes: Uint8Array): void {
    if (bytes.length > CAPACITY) throw new RangeError(`netlink batch of ${bytes.length} bytes is too large`);
    this.#memory.bytes.set(bytes);
    if (symbols.send(this.#fd, this.#memory.pointer(0, bytes.length), bytes.length, 0) < 0) {
      throw new SystemError("send", errno(), "netlink");
    }
  }

  /** One datagram's messages, copied out of the shared memory. */
  #receive(): Message[] {
    const length = symbols.recv(this.#fd, this.#memory.pointer(0, CAPACITY), CAPACITY, 0);
    if (length < 0) throw new SystemError("recv", errno(), "netlink");
    return parseMessages(this.#memory.bytes.slice(0, length));
  }

  /**
   * Sends a request or a batch and waits for its acknowledgement.
   * @param context what is being done, for the error's text
   * @param awaited sequence number of the message that asks for an acknowledgement; default the last one
   * @throws NetlinkError with the first refusal
   */
  request(writer: MessageWriter, context: string, awaited = writer.sequence): void {
    this.#send(writer.bytes);
    this.#awaitAnswer(awaited, context);
  }

  #awaitAnswer(awaited: number, context: string): void {
    while (true) {
      for (const message of this.#receive()) {
        if (message.type !== NLMSG_ERROR) continue;
        const refusal = refusalOf(message, context);
        if (refusal !== undefined) {
          this.#discard();
          throw refusal;
        }
        if (message.sequence === awaited) return;
      }
    }
  }

  /**
   * Like `request`, on another thread: for what keeps the kernel busy for milliseconds. One at a time, and nothing else
   * on this connection meanwhile.
   */
  async requestLater(writer: MessageWriter, context: string): Promise<void> {
    const memory = new LinearMemory(new ArrayBuffer(4096)), { bytes } = writer;
    memory.bytes.set(bytes);
    if (await symbols.sendLater(this.#fd, memory.pointer(0, bytes.length), bytes.length, 0) < 0) {
      // The other thread's error number is out of reach.
      throw new Error(`netlink ${context}: the request was not taken`);
    }
    // The kernel has done its work: the answer is there.
    this.#awaitAnswer(writer.sequence, context);
  }

  /** Drops answers that are already queued: the other refusals of a batch. */
  #discard(): void {
    const MSG_DONTWAIT = 0x40;
    while (symbols.recv(this.#fd, this.#memory.pointer(0, CAPACITY), CAPACITY, MSG_DONTWAIT) > 0);
  }

  /** Sends a request that is answered with a list. @throws NetlinkError */
  dump(writer: MessageWriter, context: string): Message[] {
    this.#send(writer.bytes);
    const messages: Message[] = [];
    while (true) {
      for (const message of this.#receive()) {
        if (message.type === NLMSG_DONE) return messages;
        if (message.type === NLMSG_ERROR) {
          const refusal = refusalOf(message, context);
          if (refusal !== undefined) throw refusal;
          return messages;
        }
        messages.push(message);
      }
    }
  }

  /** Closes the socket on another thread: nf_tables makes close() wait for all processors, 17 ms and more. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    symbols.close(this.#fd).catch(() => {
      // A descriptor is gone after close(), whatever it answers.
    });
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** The error an acknowledgement carries, with the kernel's own words where it gives some; undefined for success. */
function refusalOf(message: Message, context: string): NetlinkError | undefined {
  const { payload } = message;
  const number = -new DataView(payload.buffer, payload.byteOffset).getInt32(0, true);
  if (number === 0) return undefined;
  // struct nlmsgerr: error, the request's header (its payload too, unless capped), then attributes; 1 is the text.
  const requestLength = new DataView(payload.buffer, payload.byteOffset).getUint32(4, true);
  const at = 4 + ((message.flags & NLM_F_CAPPED) !== 0 ? 16 : (requestLength + 3 & ~3));
  const text = (message.flags & NLM_F_ACK_TLVS) !== 0
    ? parseAttributes(payload.subarray(at)).get(1)
    : undefined;
  const detail = text === undefined ? context : `${context} (${textOf(text)})`;
  return new NetlinkError("netlink", number, detail, message.sequence);
}
