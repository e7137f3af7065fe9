import { eventually } from '../../test/system/support/eventually.ts';
import { judge, type RoundResult } from './judge.ts';
import { Observer } from './observer.ts';
import { pause } from './pause.ts';
import type { ProxyName, Scenario, Stage } from './scenario.ts';
import { Workers } from './workers.ts';

/** Longest wait for a write by another leader. */
const RECOVERY_MS = 60_000;

/** One strike at the leader while clients write through one proxy. */
export async function playRound(
  scenario: Scenario,
  stage: Stage,
  proxy: ProxyName,
  n: number,
): Promise<RoundResult> {
  const address = stage.proxies.get(proxy)!;
  const prefix = `${scenario.name}-${proxy}-${n}-`;
  await stage.settled();
  const clients = Array.from({ length: scenario.workers }, () => stage.connect(address));
  const workers = new Workers(clients, prefix, scenario.pauseMs);
  let observer: Observer | null = null;
  try {
    await flowing(workers);
    const leader = await stage.settled();
    await stage.prepare?.(leader);
    const strikeMs = performance.now();
    observer = new Observer(stage.nodes.filter(({ name }) => name !== leader));
    const striking = stage.strike(leader);
    // What goes wrong with it is thrown below, and not before somebody listens.
    striking.catch(() => {});
    await eventually(
      async () =>
        workers.writes.some(({ node, doneMs }) => doneMs > strikeMs && node !== null && node !== leader),
      `another node than ${leader} acknowledges a write through ${proxy}`,
      RECOVERY_MS,
    );
    await striking;
    await pause(Math.max(1000, strikeMs + scenario.restoreAfterMs - performance.now()));
    await stage.restore(leader);
    await pause(scenario.watchMs);
    await workers.stop();
    await observer.stop();
    await stage.settled();
    const stored = await stage.readBack(prefix);
    return judge({ proxy, leader, strikeMs, writes: workers.writes, servableMs: observer.firstMs, stored });
  } finally {
    await workers.stop();
    await observer?.stop();
  }
}

/** A second of writes that all succeed, so that connections are open and nothing of the last round is left. */
async function flowing(workers: Workers): Promise<void> {
  const enough = async (): Promise<boolean> => {
    const sinceMs = performance.now() - 1000;
    const last = workers.writes.filter(({ doneMs }) => doneMs > sinceMs);
    return last.length >= 20 && last.every(({ failed }) => failed === null);
  };
  await pause(1000);
  await eventually(enough, 'writes flow', 30_000);
}
