import type { ProxyName } from './scenario.ts';
import type { Write } from './writes.ts';

/** What was seen of one round. */
export interface RoundSeen {
  readonly proxy: ProxyName;
  /** The node that was struck. */
  readonly leader: string;
  readonly strikeMs: number;
  readonly writes: readonly Write[];
  /** When each other node first could serve writes. */
  readonly servableMs: ReadonlyMap<string, number>;
  readonly stored: ReadonlyMap<string, number>;
}

/** From and to in ms since the strike. */
export type Span = readonly [number, number];

export interface RoundResult {
  readonly proxy: ProxyName;
  /** From the strike to the moment at which another node could serve writes; null: that was not seen. */
  readonly servableMs: number | null;
  /** From that moment to the first write that another node acknowledged through the proxy. */
  readonly addedMs: number | null;
  /** The longest stretch without an acknowledgement that began before that write. */
  readonly outageMs: number;
  /** The longest that began later. */
  readonly laterOutageMs: number;
  readonly acknowledged: number;
  /** Writes that failed, by what was said of them: surely not applied, or unknown. */
  readonly refused: Readonly<Record<string, number>>;
  readonly unknown: Readonly<Record<string, number>>;
  /** Acknowledged, and not there at the end. */
  readonly lost: number;
  /** There more than once, whatever was said. */
  readonly doubled: number;
  /** For the picture: when writes were acknowledged that were kept, and such that were lost, and when others failed. */
  readonly served: readonly Span[];
  readonly servedAndLost: readonly Span[];
  readonly failed: readonly Span[];
}

/** What is closer together than this is drawn as one. */
const JOINED_MS = 120;

export function judge({ proxy, leader, strikeMs, writes, servableMs, stored }: RoundSeen): RoundResult {
  const acknowledged = writes.filter(({ failed }) => failed === null);
  const first = acknowledged.find(({ node, doneMs }) => doneMs > strikeMs && node !== leader)!;
  const servable = servableMs.get(first.node!) ?? null;
  const gaps = acknowledged.slice(1).map(({ doneMs }, n) => ({ from: acknowledged[n]!.doneMs, to: doneMs }));
  const longest = (which: typeof gaps): number => Math.max(0, ...which.map(({ from, to }) => to - from));
  const lost = acknowledged.filter(({ id }) => !stored.has(id));
  const kept = acknowledged.filter(({ id }) => stored.has(id));
  const saidOf = (applied: string): Record<string, number> =>
    counted(writes.flatMap(({ failed }) => (failed?.applied === applied ? [failed.message] : [])));
  const at = (list: readonly Write[]): Span[] => spans(list.map(({ doneMs }) => doneMs - strikeMs));
  return {
    proxy,
    servableMs: servable === null ? null : servable - strikeMs,
    addedMs: servable === null ? null : first.doneMs - servable,
    outageMs: longest(gaps.filter(({ from, to }) => to > strikeMs && from < first.doneMs)),
    laterOutageMs: longest(gaps.filter(({ from }) => from >= first.doneMs)),
    acknowledged: acknowledged.length,
    refused: saidOf('no'),
    unknown: saidOf('unknown'),
    lost: lost.length,
    doubled: [...stored.values()].filter((times) => times > 1).length,
    served: at(kept),
    servedAndLost: at(lost),
    failed: at(writes.filter(({ failed }) => failed !== null)),
  };
}

function counted(messages: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const message of messages) counts[message] = (counts[message] ?? 0) + 1;
  return counts;
}

function spans(moments: readonly number[]): Span[] {
  const joined: [number, number][] = [];
  for (const moment of moments.map(Math.round)) {
    const last = joined.at(-1);
    if (last !== undefined && moment - last[1] <= JOINED_MS) last[1] = moment;
    else joined.push([moment, moment]);
  }
  return joined;
}
