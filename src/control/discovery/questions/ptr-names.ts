import type { Clock } from '../../../platform/clock.ts';
import { isFailure } from '../wire/answer.ts';
import type { Resolver } from '../wire/resolver.ts';
import { reverseName } from '../wire/reverse-name.ts';
import { eachBounded } from './bounded.ts';
import { choosePtr } from './identity.ts';

interface Known {
  /** null: nothing names it. */
  readonly dnsName: string | null;
  /** When to ask again: after a failed look-up only. */
  readonly retryAtMs: number;
}

/**
 * Names of addresses by PTR, asked once for each new address. A failed look-up leaves the address without a name for
 * now and is made again after `retryMs`.
 */
export class PtrNames {
  readonly #known = new Map<string, Known>();
  readonly #asking = new Map<string, Promise<void>>();

  readonly #resolver: Resolver;
  readonly #clock: Clock;
  readonly #services: readonly string[];
  readonly #retryMs: number;
  readonly #budgetMs: number;

  constructor(
    resolver: Resolver,
    clock: Clock,
    services: readonly string[],
    retryMs: number,
    budgetMs: number,
  ) {
    this.#resolver = resolver;
    this.#clock = clock;
    this.#services = services;
    this.#retryMs = retryMs;
    this.#budgetMs = budgetMs;
  }

  /** Asks about the addresses that are new, or due again; ends when all are answered. `onLearned` is told of each. */
  async learn(addresses: readonly string[], onLearned: (address: string) => void): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const due = addresses.filter((address) => nowMs >= (this.#known.get(address)?.retryAtMs ?? 0));
    await eachBounded(
      due,
      this.#clock,
      this.#budgetMs,
      async (address) => {
        let asking = this.#asking.get(address);
        if (asking === undefined) {
          asking = this.#ask(address);
          this.#asking.set(address, asking);
        }
        await asking;
        onLearned(address);
      },
      onLearned,
    );
  }

  /** The name, or null where none is known. */
  nameOf(address: string): string | null {
    return this.#known.get(address)?.dnsName ?? null;
  }

  /** Takes a name from elsewhere, so that it need not be asked for. */
  teach(address: string, dnsName: string): void {
    this.#known.set(address, { dnsName, retryAtMs: Number.POSITIVE_INFINITY });
  }

  /** Forgets addresses that have left: if one comes back it may be another Pod's. */
  keepOnly(addresses: ReadonlySet<string>): void {
    for (const address of this.#known.keys()) if (!addresses.has(address)) this.#known.delete(address);
  }

  async #ask(address: string): Promise<void> {
    const answer = await this.#resolver.lookup(reverseName(address), 'PTR');
    this.#asking.delete(address);
    if (isFailure(answer)) {
      const dnsName = this.nameOf(address);
      this.#known.set(address, { dnsName, retryAtMs: this.#clock.nowMs() + this.#retryMs });
      return;
    }
    const names =
      answer.result === 'success'
        ? answer.values.flatMap((value) => (value.kind === 'name' ? [value.name] : []))
        : [];
    this.#known.set(address, {
      dnsName: choosePtr(names, this.#services),
      retryAtMs: Number.POSITIVE_INFINITY,
    });
  }
}
