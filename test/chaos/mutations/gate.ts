import type { Check } from '../checks/record.ts';
import { nemesisNamed } from '../nemeses/all.ts';
import { runRound } from '../round.ts';
import type { Run } from '../run-round.ts';
import { buildMutant, StaleMutation } from './build.ts';
import { MUTATIONS, type Mutation } from './table.ts';

/** How long a round is (s), and how many of them a mutation may live. */
const SECONDS = 6;
const ROUNDS = 4;

/**
 * Builds each mutation and lets its nemesis loose on it.
 *
 * @param only part of a name @param control each nemesis first meets the program itself: what it sees there proves nothing
 * @returns how many were not caught, or are none any more
 */
export async function runGate(run: Run, only: string, control: boolean): Promise<number> {
  const chosen = MUTATIONS.filter(({ name }) => name.includes(only));
  const passes = new Map<string, boolean>();
  let failed = 0;
  for (const mutation of chosen) {
    try {
      const fair = !control || (await passesItself(run, mutation, passes));
      const caught = fair ? await catchIt(run, mutation) : null;
      const told = fair ? 'not caught' : 'the program itself does not pass, so this proves nothing';
      console.log(caught === null ? `FAIL ${mutation.name}: ${told}` : `ok   ${mutation.name}: ${caught}`);
      if (caught === null) failed++;
    } catch (error) {
      if (!(error instanceof StaleMutation)) throw error;
      console.log(`FAIL ${error.message}`);
      failed++;
    }
  }
  console.log(`${chosen.length - failed} of ${chosen.length} deliberate bugs were caught`);
  return failed;
}

async function passesItself(run: Run, mutation: Mutation, known: Map<string, boolean>): Promise<boolean> {
  const key = `${mutation.nemesis} ${mutation.caughtBy}`;
  const passes =
    known.get(key) ??
    (await violationOf(run, mutation, run.programs.headroute, `control-${mutation.nemesis}`)) === null;
  known.set(key, passes);
  return passes;
}

/** @returns by what it was caught, or null */
async function catchIt(run: Run, mutation: Mutation): Promise<string | null> {
  const slug = mutation.name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const out = `${run.folder}/mutants/${slug}`;
  await buildMutant(mutation, out);
  for (let round = 0; round < ROUNDS; round++) {
    const found = await violationOf(run, mutation, `${out}/headroute.js`, `${slug}-${round}`);
    if (found !== null) return found;
  }
  return null;
}

async function violationOf(
  run: Run,
  { nemesis, caughtBy }: Mutation,
  headroute: string,
  name: string,
): Promise<string | null> {
  const { violations } = await runRound({
    nemeses: [nemesisNamed(nemesis)],
    seed: `${run.seed} ${name}`,
    seconds: SECONDS,
    programs: { ...run.programs, headroute },
    folder: `${run.folder}/rounds/${name}`,
  });
  const seen = violations.find(({ check }) => (caughtBy as readonly Check[]).includes(check));
  if (seen !== undefined) return `${seen.check}: ${seen.what}`;
  for (const { check, what } of violations)
    console.log(`     ${name}: not what it was made for, ${check}: ${what}`);
  return null;
}
