import { type Answer, type FailureResult, isFailure } from '../wire/answer.ts';
import type { Resolver } from '../wire/resolver.ts';
import { isUsableAddress } from './identity.ts';

/** The addresses of one name, over both families. */
export type AddressAnswer =
  | {
      readonly kind: 'addresses';
      /** IPv4 first. */
      readonly addresses: readonly string[];
      /** The name that owns them, after CNAMEs. */
      readonly owner: string;
      readonly ttlMs: number;
      /** A family that failed and was filled from memory, in words. */
      readonly problem: string | null;
    }
  | { readonly kind: 'absent'; readonly nxdomain: boolean; readonly ttlMs: number | null }
  | { readonly kind: 'failed'; readonly how: FailureResult; readonly detail: string };

interface Known {
  readonly v4: readonly string[];
  readonly v6: readonly string[];
}

/**
 * Asks for A and AAAA at once and remembers each family's last answer: one that fails stays as it was (case N4), and
 * "nobody" is said only over both.
 */
export class AddressBook {
  readonly #known = new Map<string, Known>();

  readonly #resolver: Resolver;

  constructor(resolver: Resolver) {
    this.#resolver = resolver;
  }

  /** `onFirst` is given the addresses of the family that answers first, while the other is still awaited. */
  async ask(
    name: string,
    onFirst: (addresses: readonly string[]) => void = () => {},
  ): Promise<AddressAnswer> {
    let ended = 0;
    const look = async (type: 'A' | 'AAAA'): Promise<Answer> => {
      const answer = await this.#resolver.lookup(name, type);
      if (++ended === 1 && answer.result === 'success') onFirst(addressesIn(answer));
      return answer;
    };
    const [a, aaaa] = await Promise.all([look('A'), look('AAAA')]);
    return this.merge(name, a, aaaa);
  }

  /** Takes both families' answers. Public for tests. */
  merge(name: string, a: Answer, aaaa: Answer): AddressAnswer {
    const failures = [a, aaaa].filter(isFailure);
    const detail = failures.map((failed) => failed.detail).join('; ');
    const failed = { kind: 'failed', how: failures[0]?.result ?? 'error', detail } as const;
    if (failures.length === 2) return failed;
    const known = this.#known.get(name);
    const v4 = isFailure(a) ? (known?.v4 ?? []) : addressesIn(a);
    const v6 = isFailure(aaaa) ? (known?.v6 ?? []) : addressesIn(aaaa);
    if (failures.length === 1 && !saysEnough(isFailure(a) ? aaaa : a, isFailure(a) ? v4 : v6)) return failed;
    if (v4.length + v6.length === 0) {
      this.#known.delete(name);
      const nxdomain = a.result === 'nxdomain' || aaaa.result === 'nxdomain';
      return { kind: 'absent', nxdomain, ttlMs: leastTtl(a, aaaa) };
    }
    this.#known.set(name, { v4, v6 });
    const owner = a.result === 'success' ? a.owner : aaaa.result === 'success' ? aaaa.owner : name;
    return {
      kind: 'addresses',
      addresses: [...v4, ...v6],
      owner,
      ttlMs: leastTtl(a, aaaa) ?? 0,
      problem: failures.length > 0 ? detail : null,
    };
  }

  /** Remembers addresses that came with another answer (glue). */
  remember(name: string, addresses: readonly string[]): void {
    this.#known.set(name, {
      v4: addresses.filter((address) => !address.includes(':')),
      v6: addresses.filter((address) => address.includes(':')),
    });
  }

  /** The last known addresses of a name whose look-up failed. */
  last(name: string): readonly string[] {
    const known = this.#known.get(name);
    return known === undefined ? [] : [...known.v4, ...known.v6];
  }

  /** Forgets names that are of no interest any more. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name);
  }
}

/**
 * Whether one family's answer suffices while the other fails: addresses do; so does NXDOMAIN, which holds for every
 * type (RFC 8020), unless the family that fails has had addresses: some servers say NXDOMAIN of the other (RFC 4074).
 */
function saysEnough(answer: Answer, remembered: readonly string[]): boolean {
  if (answer.result === 'success') return addressesIn(answer).length > 0;
  return answer.result === 'nxdomain' && remembered.length === 0;
}

function addressesIn(answer: Answer): string[] {
  if (answer.result !== 'success') return [];
  const addresses = answer.values.flatMap((value) => (value.kind === 'address' ? [value.address] : []));
  return [...new Set(addresses)].filter(isUsableAddress);
}

/** Of records present only, if there are any: a family that does not exist says little about the other. */
function leastTtl(a: Answer, aaaa: Answer): number | null {
  const ttls = (present: boolean): number[] =>
    [a, aaaa].flatMap((answer) =>
      'ttlMs' in answer && answer.ttlMs !== null && (answer.result === 'success') === present
        ? [answer.ttlMs]
        : [],
    );
  const found = ttls(true);
  const all = found.length > 0 ? found : ttls(false);
  return all.length === 0 ? null : Math.min(...all);
}
