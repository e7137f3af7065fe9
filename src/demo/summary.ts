import type { Traffic } from './traffic.ts';
import type { Verdict } from './verify.ts';

/** The last words of the demo: what was sent, where it went, and whether every promise was kept. */
export function summaryLines(traffic: Traffic, verdict: Verdict): string[] {
  const lines = [
    `writes  ${traffic.acknowledged.size} acknowledged (${byPod(traffic.writes)}), ` +
      `${traffic.heldWrites} of them held for a leader, the longest ${Math.round(traffic.slowestMs)} ms`,
    `reads   ${traffic.readCount} answered (${byPod(traffic.reads)}), ${traffic.readsFailed} failed`,
    `unknown ${traffic.unknown.size} writes had been sent to the Pod that was killed; ` +
      `${verdict.unknownWritten} of them are in its log`,
  ];
  if (traffic.refused.size > 0) lines.push(`refused ${traffic.refused.size} writes, nothing sent`);
  if (traffic.failures.size > 0) lines.push(`errors  ${byPod(traffic.failures)}`);
  const broken: [readonly string[], string][] = [
    [verdict.lost, 'acknowledged but lost'],
    [verdict.doubled, 'written twice'],
    [verdict.refusedYetWritten, 'said to be unsent but written'],
    [verdict.strangers, 'written but never sent'],
  ];
  for (const [ids, what] of broken) {
    if (ids.length > 0) lines.push(`BROKEN  ${ids.length} ${what}: ${ids.slice(0, 10).join(', ')}`);
  }
  lines.push(
    verdict.ok
      ? "proof   the Pods' logs hold every acknowledged write once: none lost, none doubled"
      : "proof   FAILED: the Pods' logs and the clients disagree",
  );
  return lines;
}

function byPod(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ') || 'none';
}
