/** Random tokens in hex. Random bytes are fetched for many at once, which is what costs. */
import { randomBytes } from "node:crypto";

const atOnce = 64;

export class TokenMaker {
  readonly #tokenLength: number;
  #pool = "";
  #used = 0;

  /** `tokenBytes`: 16 of them, 128 bits, where nobody may guess a token. */
  constructor(tokenBytes = 16) {
    this.#tokenLength = 2 * tokenBytes;
  }

  next(): string {
    if (this.#used === this.#pool.length) {
      this.#pool = randomBytes((atOnce * this.#tokenLength) / 2).toString("hex");
      this.#used = 0;
    }
    this.#used += this.#tokenLength;
    return this.#pool.slice(this.#used - this.#tokenLength, this.#used);
  }
}
