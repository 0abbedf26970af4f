/** Connections and bytes under one set of labels. Source: tcp_* of proxy.md §13. */
export class TcpSeries {
  opened = 0;
  open = 0;
  readBytes = 0;
  writtenBytes = 0;
  /** Ends by cause: "" for an orderly one. */
  readonly closed = new Map<string, number>();
  lastUsed = 0;
  /** It was dropped: it is told no more. */
  isForgotten = false;

  constructor(readonly labels: string) {}

  connectionOpened(now: number): void {
    this.opened++;
    this.open++;
    this.lastUsed = now;
  }

  connectionClosed(errno: string, now: number): void {
    this.open--;
    this.closed.set(errno, (this.closed.get(errno) ?? 0) + 1);
    this.lastUsed = now;
  }
}
