import { buildBackend } from '../../src/control/build-snapshot.ts';
import type { Traffic } from '../../src/data/inbound-listener.ts';
import type { PickContext } from '../../src/data/pick/contract.ts';
import type { RequestView } from '../../src/data/request-view.ts';
import type {
  BackendConfig,
  ListenerConfig,
  MatchConfig,
  RuleConfig,
  Selection,
} from '../../src/model/config.ts';
import type { PodState, PodView } from '../../src/model/pod.ts';
import type { BackendSnapshot, ListenerSnapshot, Route } from '../../src/model/snapshot.ts';
import { backendConfig, listenerConfig, ruleConfig } from '../helpers/config.ts';

/** Of a listener that nobody scrapes. */
export function noTraffic(): Traffic {
  return { received: { labels: [], value: 0 }, sent: { labels: [], value: 0 } };
}

export const noHold = { timeoutMs: 0, maxRequests: 1000, maxBytes: 16 * 1024 * 1024 };
export const hold = { ...noHold, timeoutMs: 10_000 };

export function rule(name: string, part: Partial<RuleConfig> = {}): RuleConfig {
  return ruleConfig({ name, ...part });
}

export function matchOf(part: Partial<MatchConfig>): MatchConfig {
  return { path: null, methods: [], headers: [], queryParams: [], ...part };
}

/** A listener with these routes and the rules in them. */
export function listenerOf(routes: readonly Route[], part: Partial<ListenerConfig> = {}): ListenerSnapshot {
  const rules = [...new Set(routes.map((route) => route.rule))];
  return { config: listenerConfig({ rules, ...part }), routes };
}

export function request(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>> = {},
): RequestView {
  const question = target.indexOf('?');
  return {
    method,
    path: question < 0 ? target : target.slice(0, question),
    query: question < 0 ? '' : target.slice(question + 1),
    host: headers.host ?? '',
    header: (name) => headers[name],
  };
}

let nextId = 1;

export function pod(ordinal: number, state: PodState = 'ready', part: Partial<PodView> = {}): PodView {
  return {
    id: nextId++,
    name: `db-${ordinal}`,
    label: `db-${ordinal}`,
    dnsName: `db-${ordinal}.db.prod.svc.cluster.local`,
    ordinal,
    addresses: ['127.0.0.1'],
    port: 80,
    state,
    reason: state === 'ready' ? 'probe succeeded' : 'connection refused',
    ...part,
  };
}

/** A backend's snapshot as control makes it of these Pods and this leader. */
export function backendOf(
  pods: readonly PodView[],
  leader: PodView | 'none' | 'conflict' | 'unconfigured' = 'unconfigured',
  part: { revision?: number; reign?: number; config?: BackendConfig; yielding?: number } = {},
): BackendSnapshot {
  const known = typeof leader === 'string' ? null : leader;
  return buildBackend(undefined, {
    config: part.config ?? backendConfig(),
    pods,
    leadership: {
      state: typeof leader === 'string' ? leader : 'known',
      leaderId: known?.id ?? null,
      term: null,
      claimants: known === null ? [] : [known.name],
      revision: part.revision ?? 1,
      reign: part.reign ?? 1,
      reason: typeof leader === 'string' ? leader : `${leader.name} claims`,
      ...(part.yielding === undefined ? {} : { yielding: part.yielding }),
    },
  });
}

export function context(part: Partial<PickContext> = {}): PickContext {
  return {
    request: request('GET', '/'),
    selfPodName: '',
    random: () => 0,
    inFlight: () => 0,
    nextTurn: () => 0,
    tried: () => false,
    minLeaderRevision: 0,
    barred: () => null,
    ...part,
  };
}

export function ordinalSelection(
  part: Partial<Extract<Selection, { type: 'Ordinal' }>>,
): Extract<Selection, { type: 'Ordinal' }> {
  return {
    type: 'Ordinal',
    ordinal: null,
    key: null,
    mapping: null,
    whenUnavailable: 'Fail',
    hold,
    ...part,
  };
}
