import type { Random } from '../random.ts';

/** Operations on one key: few enough for a checker that may have to try orders. */
const OPERATIONS = 60;
const AT_ONCE = 4;

/** Names of registers and of requests, over all clients of a round. */
export class Keys {
  readonly #current = Array.from({ length: AT_ONCE }, (_, n) => ({ key: n, used: 0 }));
  #keys = AT_ONCE;
  #ids = 0;

  /** @param random of the client that asks: its choices are its own */
  key(random: Random): string {
    const slot = random.of(this.#current);
    if (++slot.used > OPERATIONS) {
      slot.key = this.#keys++;
      slot.used = 1;
    }
    return `k${slot.key}`;
  }

  id(): string {
    return `${this.#ids++}`;
  }
}
