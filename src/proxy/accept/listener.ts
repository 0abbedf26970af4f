/** A listening socket of the data plane: accepts in batches, says where each connection was going before redirection. */
import { formatAddress, type SocketAddress } from "../../linux/address.ts";
import { descriptorLimit } from "../../linux/descriptors.ts";
import { EAGAIN, EINTR, EMFILE, ENFILE, errnoName } from "../../linux/errno.ts";
import { EPOLLIN } from "../../linux/epoll.ts";
import {
  accept,
  close,
  listenTcp,
  localAddress,
  originalDestination,
  peerAddress,
  setKeepAlive,
  setNoDelay,
  setUserTimeout,
} from "../../linux/socket.ts";
import type { TcpOptions } from "../config/environment.ts";
import type { AcceptedConnections } from "../worker/accepted.ts";
import { Activity } from "../worker/activity.ts";
import type { EventHandler, Loop } from "../worker/loop.ts";

/** Connections taken in one event before others get their turn. */
const BATCH = 64;
/** How long to leave a listener alone when the process has no descriptor left. */
const PAUSE_MS = 100;
const MAX_RESERVE = 4096;

export interface Accepted {
  readonly fd: number;
  readonly client: SocketAddress;
  /** Where it was going; the listener's own address when it was not redirected. */
  readonly destination: SocketAddress;
  /** It came to the listener by itself, not by redirection. */
  readonly isDirect: boolean;
}

/** What the kernel knows of an accepted connection; tests say it themselves. */
export interface SocketFacts {
  /** Where it was going before redirection; undefined when it was not redirected. */
  originalDestination(fd: number): SocketAddress | undefined;
  /** Who connected; undefined when it is gone already. */
  peerAddress(fd: number): SocketAddress | undefined;
  /** A socket that listens on `address` already (a worker is given its own); left out: one is opened. */
  listeningAt?(address: SocketAddress): number | undefined;
  /** How many descriptors the process may have; left out: what the system says. */
  descriptorLimit?(): number;
}

/** Whose connections use up the descriptors. */
export interface Crowd {
  readonly connections: AcceptedConnections;
  /** A connection was refused: descriptors are scarce, and none is idle. */
  onRefused(): void;
}

/** Descriptors that no client's connection is given: what clients ask for needs connections of ours. */
function reserveOf(limit: number): number {
  return Math.min(limit >> 2, MAX_RESERVE);
}

/** As the kernel says. */
export const KERNEL: SocketFacts = { originalDestination, peerAddress };

export class Listener implements EventHandler {
  readonly activity = Activity.Accepting;
  readonly #fd: number;
  readonly address: SocketAddress;
  /** The system gives the lowest number that is free: one as high as this tells that few are left. */
  readonly #scarceFrom: number;
  #isOpen = true;

  /** @throws SystemError when the address cannot be listened on */
  constructor(
    private readonly loop: Loop,
    address: SocketAddress,
    private readonly options: TcpOptions & { readonly backlog: number; readonly isReusePort: boolean },
    private readonly onAccept: (accepted: Accepted) => void,
    private readonly report: (message: string) => void,
    private readonly facts: SocketFacts = KERNEL,
    private readonly crowd?: Crowd,
  ) {
    const limit = facts.descriptorLimit?.() ?? descriptorLimit();
    this.#scarceFrom = crowd === undefined || limit === Infinity ? Infinity : limit - reserveOf(limit);
    this.#fd = facts.listeningAt?.(address) ??
      listenTcp(address, { backlog: options.backlog, isReusePort: options.isReusePort });
    this.address = localAddress(this.#fd) ?? address;
    loop.add(this.#fd, EPOLLIN, this);
  }

  onEvents(): void {
    for (let i = 0; i < BATCH && this.#isOpen; i++) {
      const fd = accept(this.#fd);
      if (fd >= 0) {
        if (fd >= this.#scarceFrom && !this.#makeRoom(fd)) return;
        this.#take(fd);
        continue;
      }
      if (fd === -EAGAIN) return;
      if (fd === -EMFILE || fd === -ENFILE) return this.#pause(errnoName(-fd));
      if (fd !== -EINTR) this.report(`accept on ${formatAddress(this.address)}: ${errnoName(-fd)}`);
    }
  }

  /** Descriptors are scarce: has an idle connection closed, or else this one. @returns whether it is to be served */
  #makeRoom(fd: number): boolean {
    const { connections, onRefused } = this.crowd!;
    if (connections.makeRoom(this.facts.peerAddress(fd)?.ip)) return true;
    close(fd);
    onRefused();
    this.#pause("few descriptors are left, and no connection is idle");
    return false;
  }

  #take(fd: number): void {
    const client = this.facts.peerAddress(fd);
    if (client === undefined) return close(fd); // gone already
    setNoDelay(fd);
    if (this.options.keepAliveMs !== undefined) setKeepAlive(fd, this.options.keepAliveMs);
    if (this.options.userTimeoutMs !== undefined) setUserTimeout(fd, this.options.userTimeoutMs);
    const original = this.facts.originalDestination(fd), local = localAddress(fd);
    if (local === undefined) return close(fd);
    const destination = original ?? local;
    const isDirect = destination.port === local.port && destination.ip === local.ip;
    this.onAccept({ fd, client, destination, isDirect });
  }

  #pause(why: string): void {
    this.report(`accept on ${formatAddress(this.address)}: ${why}; new connections wait`);
    this.loop.modify(this.#fd, 0);
    this.loop.after(PAUSE_MS, () => {
      if (this.#isOpen) this.loop.modify(this.#fd, EPOLLIN);
    });
  }

  onFault(): void {
    // A bug in what takes connections: this connection is lost, the listener goes on.
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.loop.forget(this.#fd);
    close(this.#fd);
  }
}
