import type { Lateness } from './checks/lateness.ts';
import { machineMs } from './monotonic.ts';
import { NEMESES } from './nemeses/all.ts';
import type { Nemesis } from './nemeses/contract.ts';
import { Random } from './random.ts';
import { lateBytes } from './report/summary.ts';
import { type Run, roundOf } from './run-round.ts';

/** Rounds of one to three nemeses until time is up. @returns how many failed */
export async function longRun(run: Run, minutes: number): Promise<number> {
  const endMs = machineMs() + minutes * 60_000;
  const random = new Random(run.seed);
  const late: Lateness[] = [];
  let rounds = 0;
  let failed = 0;
  let writes = 0;
  while (machineMs() < endMs) {
    const { violations, record, late: more } = await roundOf(run, some(random), `${run.seed}.${rounds++}`);
    if (violations.length > 0) failed++;
    writes += record.operations.filter(({ kind }) => kind === 'write').length;
    for (const one of more) late.push(one);
  }
  console.log(`${rounds} rounds, ${failed} failed; ${writes} writes; ${lateBytes(late)}`);
  return failed;
}

function some(random: Random): Nemesis[] {
  const chosen = new Set<Nemesis>();
  const count = random.between(1, 3);
  while (chosen.size < count) chosen.add(random.of(NEMESES));
  return [...chosen];
}
