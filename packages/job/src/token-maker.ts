/** Claim tokens: 128 random bits in hex each. Random bytes are fetched for many at once, which is what costs. */
import { randomBytes } from "node:crypto";

const tokenBytes = 16;
const atOnce = 64;

export class TokenMaker {
  #pool = "";
  #used = 0;

  next(): string {
    if (this.#used === this.#pool.length) {
      this.#pool = randomBytes(atOnce * tokenBytes).toString("hex");
      this.#used = 0;
    }
    this.#used += 2 * tokenBytes;
    return this.#pool.slice(this.#used - 2 * tokenBytes, this.#used);
  }
}
