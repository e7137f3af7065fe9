import type { Random } from '../random.ts';

/** Operations on one key: few enough for a checker that may have to try orders. */
const OPERATIONS = 60;
const AT_ONCE = 4;

/** Names of registers and of requests, over all clients of a round. */
export class Keys {
  readonly #prefix: string;
  readonly #random: Random;
  readonly #current = Array.from({ length: AT_ONCE }, (_, n) => ({ key: n, used: 0 }));
  #keys = AT_ONCE;
  #ids = 0;

  constructor(prefix: string, random: Random) {
    this.#prefix = prefix;
    this.#random = random;
  }

  key(): string {
    const slot = this.#random.of(this.#current);
    if (++slot.used > OPERATIONS) {
      slot.key = this.#keys++;
      slot.used = 1;
    }
    return `${this.#prefix}k${slot.key}`;
  }

  id(): string {
    return `${this.#prefix}${this.#ids++}`;
  }
}
