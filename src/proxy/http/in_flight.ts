/** How many requests one direction of one loop has in hand; beyond the limit new ones are shed (proxy.md §8). */
export class InFlight {
  count = 0;

  constructor(readonly limit: number) {}

  /** @returns false when there are too many: the request must be refused */
  enter(): boolean {
    if (this.count >= this.limit) return false;
    this.count++;
    return true;
  }

  leave(): void {
    this.count--;
  }
}
