import type { BackendConfig } from '../../../model/config.ts';
import type { Timer } from '../../../platform/clock.ts';
import type { DiscoveryReport, LookupTrouble } from '../contract.ts';
import { LookupTroubles } from '../membership/lookup-troubles.ts';
import { RefreshLoop, type Turn } from '../membership/refresh-loop.ts';
import { backendResolver, type DiscoveryDeps } from '../wire/backend-resolver.ts';
import { type AddressAnswer, AddressBook } from './address-book.ts';

/** How long an answer of one family waits for the other's. */
const PATIENCE_MS = 25;

export interface AddressEvents {
  onAddresses(addresses: readonly string[]): void;
  /** A look-up has ended. @param answered it was not one that failed */
  onLookup(answered: boolean): void;
}

export interface AddressWatch {
  close(): void;
  report(): DiscoveryReport;
  /** What is wrong with the look-ups now; null: nothing. */
  trouble(): LookupTrouble | null;
  /** Asks again now (rate-limited by `refresh.min`). */
  refreshSoon(): void;
}

/**
 * Watches the addresses of one name, for `leader.type: DNS`; starts at once. Every answer is believed at once, an empty
 * one and NXDOMAIN too: who leads must be known quickly, and while nobody is named writes are held, not lost (SPEC 6,
 * promise 3), whereas a record believed too long would send them to the Pod that stepped down. A failed look-up keeps
 * the last answer. `onAddresses` is called with the first answer, and then on a change only.
 */
export function watchAddresses(
  backend: BackendConfig,
  service: string,
  events: AddressEvents,
  deps: DiscoveryDeps,
): AddressWatch {
  const resolver = backendResolver(backend, deps);
  const book = new AddressBook(resolver);
  const name = service.toLowerCase().replace(/\.$/, '');
  let last: readonly string[] | null = null;
  const take = (addresses: readonly string[]): void => {
    const sorted = [...addresses].sort();
    if (last !== null && sorted.length === last.length && sorted.every((address, i) => address === last![i]))
      return;
    last = sorted;
    events.onAddresses(sorted);
  };
  const question = `A, AAAA ${name}.`;
  const troubles = new LookupTroubles({ backend: backend.name, question }, deps);
  const loop = new RefreshLoop(backend.discovery, deps.clock, deps.random, async () => {
    let timer: Timer | null = null;
    const answer = await book.ask(name, (addresses) => {
      // The other family is slow or silent: the leader must not wait for it.
      if (addresses.length > 0) timer = deps.clock.after(PATIENCE_MS, () => loop.closed || take(addresses));
    });
    (timer as Timer | null)?.clear();
    if (loop.closed) return { failed: true, error: 'closed', kind: 'error', ttlMs: null, withinMs: null };
    if (answer.kind !== 'failed') take(answer.kind === 'absent' ? [] : answer.addresses);
    events.onLookup(answer.kind !== 'failed');
    const turn = turnOf(answer, name);
    troubles.take(turn);
    return turn;
  });
  loop.start();
  return {
    refreshSoon: () => loop.refreshSoon(),
    report: () => ({ ...loop.times(), question }),
    trouble: () => troubles.current,
    close() {
      loop.close();
      resolver.close();
    },
  };
}

function turnOf(answer: AddressAnswer, name: string): Turn {
  switch (answer.kind) {
    case 'failed':
      return { failed: true, error: answer.detail, kind: answer.how, ttlMs: null, withinMs: null };
    case 'absent': {
      const error = `${answer.nxdomain ? 'NXDOMAIN' : 'no address'} for ${name}`;
      const kind = answer.nxdomain ? 'nxdomain' : 'empty';
      return { failed: false, error, kind, ttlMs: answer.ttlMs, withinMs: null };
    }
    case 'addresses': {
      const { problem, ttlMs } = answer;
      return {
        failed: false,
        error: problem,
        kind: problem === null ? null : 'partial',
        ttlMs,
        withinMs: null,
      };
    }
  }
}
