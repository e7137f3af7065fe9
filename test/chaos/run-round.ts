import type { Programs } from './cluster/cluster.ts';
import type { Nemesis } from './nemeses/contract.ts';
import { summary } from './report/summary.ts';
import { writeReport } from './report/write-report.ts';
import { type RoundResult, runRound } from './round.ts';

/** What all rounds of a run have in common. */
export interface Run {
  readonly seed: string;
  /** How long the nemeses of a round strike (s). */
  readonly seconds: number;
  readonly report: boolean;
  /** For logs and builds. */
  readonly folder: string;
  readonly programs: Programs;
}

/** One round, told on stdout; a report where it failed or reports are wanted. */
export async function roundOf(run: Run, nemeses: readonly Nemesis[], seed: string): Promise<RoundResult> {
  const names = nemeses.map(({ name }) => name).join('+');
  const result = await runRound({
    nemeses,
    seed,
    seconds: run.seconds,
    programs: run.programs,
    folder: `${run.folder}/rounds/${names}-${seed}`,
  });
  const again = `npm run chaos -- --nemesis ${names} --seconds ${run.seconds} --seed ${seed}`;
  console.log(summary(names, result));
  if (result.violations.length > 0) console.log(`     again: ${again}`);
  if (result.violations.length > 0 || run.report)
    console.log(`     report: ${writeReport(`${names}-${seed}`, again, result)}`);
  return result;
}
