/** Counts wrong keys per address, so that guessing is slow: ten in a minute, then nothing is looked at for a while. Bounded. */

export interface FailedLoginsOptions {
  readonly nowMs: () => number;
  /** Wrong keys within the window that are answered as such. Default 10. */
  readonly allowed?: number;
  /** Addresses remembered; those heard of longest ago are forgotten first. Default 10 000. */
  readonly maxAddresses?: number;
}

const windowMs = 60_000;

interface Record {
  count: number;
  readonly sinceMs: number;
}

export class FailedLogins {
  readonly #nowMs: () => number;
  readonly #allowed: number;
  readonly #maxAddresses: number;
  readonly #records = new Map<string, Record>();

  constructor({ nowMs, allowed = 10, maxAddresses = 10_000 }: FailedLoginsOptions) {
    this.#nowMs = nowMs;
    this.#allowed = allowed;
    this.#maxAddresses = maxAddresses;
  }

  /** How long this address has to wait before a key of it is looked at; 0 when it need not. */
  waitMs(address: string): number {
    const record = this.#current(address);
    if (record === undefined || record.count < this.#allowed) return 0;
    return record.sinceMs + windowMs - this.#nowMs();
  }

  failed(address: string): void {
    const record = this.#current(address) ?? { count: 0, sinceMs: this.#nowMs() };
    record.count += 1;
    this.#records.delete(address);
    this.#records.set(address, record);
    const [oldest] = this.#records.keys();
    if (this.#records.size > this.#maxAddresses && oldest !== undefined) this.#records.delete(oldest);
  }

  get size(): number {
    return this.#records.size;
  }

  #current(address: string): Record | undefined {
    const record = this.#records.get(address);
    return record !== undefined && this.#nowMs() - record.sinceMs < windowMs ? record : undefined;
  }
}
