import type { Config, HoldConfig, RuleConfig } from '../model/config.ts';
import type { RoutingSnapshot } from '../model/snapshot.ts';
import { gauge } from '../observe/gauge.ts';
import type { Cell } from '../observe/primitives.ts';
import type { FamilyLike } from '../observe/render.ts';
import { mayHold } from './placement/possible.ts';

/** How full the data plane is. */
export interface Fill {
  snapshot(): RoutingSnapshot;
  /** What waits of a rule for a backend. */
  held(backend: string, rule: string): { readonly requests: number; readonly bytes: number };
  /** What the fan-outs of a listener hold. */
  fanOutBytes(listener: string): number;
  /** Requests and tunnels that are with a Pod. */
  inFlight(podId: number): number;
}

/**
 * What can be full, and its limit: worked out at a scrape, so that nothing has to be removed. A limit has the name of the gauge that
 * can reach it, without `headroute_`.
 */
export function boundFamilies(fill: Fill): readonly FamilyLike[] {
  return [
    gauge(
      'headroute_rule_held_requests',
      'Requests and connections of a rule that wait for a Pod of a backend.',
      ['rule', 'backend'],
      () => heldCells(fill, 'requests'),
    ),
    gauge(
      'headroute_rule_held_bytes',
      'Bytes of bodies kept for requests of a rule that wait for a Pod of a backend.',
      ['rule', 'backend'],
      () => heldCells(fill, 'bytes'),
    ),
    gauge(
      'headroute_fan_out_bytes',
      'What the fan-outs of a listener hold: requests and answers.',
      ['listener'],
      function* () {
        for (const { name } of withFanOuts(fill.snapshot().config))
          yield { labels: [name], value: fill.fanOutBytes(name) };
      },
    ),
    gauge(
      'headroute_busiest_pod_in_flight',
      'Requests and tunnels that are with the Pod of a backend that has most of them.',
      ['backend'],
      function* () {
        for (const [name, { pods }] of fill.snapshot().backends)
          yield {
            labels: [name],
            value: pods.reduce((most, { id }) => Math.max(most, fill.inFlight(id)), 0),
          };
      },
    ),
    gauge('headroute_limit', 'What a gauge of this name can reach at most.', ['name', 'of'], () =>
      limits(fill.snapshot()),
    ),
  ];
}

function* limits({ config, backends }: RoutingSnapshot): Generator<Cell> {
  for (const { name, limits } of config.listeners)
    yield { labels: ['connections', name], value: limits.connections };
  for (const { name, limits } of withFanOuts(config))
    yield { labels: ['fan_out_bytes', name], value: limits.fanOutBytes };
  const seen = new Set<string>();
  for (const [{ name }, hold] of holding(config)) {
    if (seen.has(name)) continue;
    seen.add(name);
    yield { labels: ['rule_held_requests', name], value: hold.maxRequests };
    yield { labels: ['rule_held_bytes', name], value: hold.maxBytes };
  }
  for (const [name, { config: backend }] of backends)
    yield { labels: ['busiest_pod_in_flight', name], value: backend.connection.maxPerPod };
}

function* heldCells(fill: Fill, what: 'requests' | 'bytes'): Generator<Cell> {
  const seen = new Set<string>();
  for (const [{ name, backendRefs }] of holding(fill.snapshot().config))
    for (const { name: backend } of backendRefs) {
      // Rules of two listeners may have one name: they wait together.
      const key = JSON.stringify([name, backend]);
      if (seen.has(key)) continue;
      seen.add(key);
      yield { labels: [name, backend], value: fill.held(backend, name)[what] };
    }
}

/** Rules whose requests may wait, and how. */
function* holding({ listeners }: Config): Generator<readonly [RuleConfig, HoldConfig]> {
  for (const { rules } of listeners)
    for (const rule of rules) {
      const hold = mayHold(rule.selection);
      if (hold !== null) yield [rule, hold];
    }
}

function* withFanOuts({ listeners }: Config): Generator<Config['listeners'][number]> {
  for (const listener of listeners)
    if (listener.rules.some(({ selection }) => selection.type === 'FanOut')) yield listener;
}
