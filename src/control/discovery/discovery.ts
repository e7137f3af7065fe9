import type { BackendConfig } from '../../model/config.ts';
import type { Timer } from '../../platform/clock.ts';
import type { Discovery, DiscoveryEvents, Member } from './contract.ts';
import { LookupTroubles } from './membership/lookup-troubles.ts';
import type { Membership, Round } from './membership/membership.ts';
import { RefreshLoop, type Turn } from './membership/refresh-loop.ts';
import { AddressBook } from './questions/address-book.ts';
import { addressSource } from './questions/address-source.ts';
import { PtrNames } from './questions/ptr-names.ts';
import type { Source, SourceContext } from './questions/source.ts';
import { srvSource } from './questions/srv-source.ts';
import { statefulSetSource } from './questions/stateful-set-source.ts';
import { staticSource } from './questions/static-source.ts';
import { backendResolver, type DiscoveryDeps } from './wire/backend-resolver.ts';
import type { Resolver } from './wire/resolver.ts';

/** How long a slow round may keep what it has already found to itself; doubles while it goes on. */
const FIRST_PROGRESS_MS = 25;

/**
 * Asks for the Pods of a backend's Service over DNS (SPEC 3, Discovery), or takes those that the configuration names. `start`
 * begins it.
 * @param membership what is believed, by whomever it was learnt: rounds are judged by it
 */
export function createDiscovery(
  backend: BackendConfig,
  membership: Membership,
  events: DiscoveryEvents,
  deps: DiscoveryDeps,
): Discovery {
  const resolver = backendResolver(backend, deps);
  const { clock, random } = deps;
  const { discovery: config } = backend;
  const source = chooseSource(backend, deps, resolver);
  let attempted = false;

  const publish = (members: readonly Member[] | null): void => {
    if (members !== null) events.onMembers(members);
  };
  const attemptEnded = (): void => {
    if (attempted) return;
    attempted = true;
    events.onAsked();
  };

  const ask = async (): Promise<Turn> => {
    const progress = new Map<string, Member>();
    let timer: Timer | null = null;
    const wait = (ms: number): void => {
      timer = clock.after(ms, () => {
        const added = loop.closed ? null : membership.add([...progress.values()]);
        publish(added);
        if (added !== null) attemptEnded();
        wait(ms * 2);
      });
    };
    wait(FIRST_PROGRESS_MS);
    let round: Round;
    try {
      round = await source.round((member) => progress.set(member.key, member));
    } catch (error) {
      round = { kind: 'failed', how: 'error', detail: String(error) };
    } finally {
      (timer as Timer | null)?.clear();
    }
    if (loop.closed) return { failed: true, error: 'closed', kind: 'error', ttlMs: null, withinMs: null };
    const nowMs = clock.nowMs();
    publish(membership.apply(round, nowMs));
    attemptEnded();
    events.onRound(round.kind !== 'failed');
    return {
      failed: round.kind === 'failed',
      error: round.kind === 'members' ? round.problem : round.detail,
      kind: kindOf(round),
      ttlMs: round.kind === 'failed' ? null : round.ttlMs,
      withinMs: membership.emptyLeftMs(nowMs),
    };
  };

  const troubles = new LookupTroubles({ backend: backend.name, question: source.question }, deps);
  const loop = new RefreshLoop(config, clock, random, async () => {
    const turn = await ask();
    if (!loop.closed) troubles.take(turn);
    return turn;
  });

  return {
    start: () => loop.start(),
    refreshSoon: () => loop.refreshSoon(),
    report: () => ({ ...loop.times(), question: source.question }),
    trouble: () => troubles.current,
    close() {
      loop.close();
      resolver.close();
    },
  };
}

function kindOf(round: Round): string | null {
  if (round.kind === 'members') return round.problem === null ? null : 'partial';
  if (round.kind === 'failed') return round.how;
  return round.nxdomain ? 'nxdomain' : 'empty';
}

function chooseSource(backend: BackendConfig, deps: DiscoveryDeps, resolver: Resolver): Source {
  const { service, port, discovery } = backend;
  const { refreshMaxMs, queryTimeoutMs } = discovery;
  const context: SourceContext = {
    service,
    resolver,
    book: new AddressBook(resolver),
    names: new PtrNames(resolver, deps.clock, [service], refreshMaxMs, queryTimeoutMs),
    clock: deps.clock,
    queryTimeoutMs,
  };
  if (discovery.static !== null) return staticSource(context, discovery.static);
  if (discovery.statefulSet !== null) return statefulSetSource(context, discovery.statefulSet, port);
  return typeof port === 'number' ? addressSource(context, port) : srvSource(context, port);
}
