import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { longRun } from './long-run.ts';
import { runGate } from './mutations/gate.ts';
import { NEMESES, nemesisNamed } from './nemeses/all.ts';
import { type Run, roundOf } from './run-round.ts';

// npm run chaos -- [OPTIONS]
//   (none)             every nemesis alone, one after another; a round that was only slow once more: others may be at work here
//   --minutes N        rounds of one to three nemeses together, for so long
//   --nemesis a,b+c    these rounds: a, then b and c together
//   --seconds N        how long a nemesis strikes in a round (default 15)
//   --seed S           the choices of an earlier run again (which turns they take depends on the machine too)
//   --report           a report of each round, not only of those that failed
//   --mutations        deliberate bugs instead, each must be caught; --only TEXT: those whose name has it
//   --mutations --short   each with its one nemesis, without the rounds that show that the program itself passes
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: randomBytes(3).toString('hex') },
    minutes: { type: 'string' },
    nemesis: { type: 'string' },
    seconds: { type: 'string', default: '15' },
    report: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    mutations: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
});

const folder = dirname(fileURLToPath(import.meta.url));
const run: Run = {
  seed: values.seed,
  seconds: Number(values.seconds),
  report: values.report,
  folder,
  programs: {
    headroute: `${folder}/headroute/headroute.js`,
    pod: `${folder}/pod.mjs`,
    hooks: `${folder}/hooks.mjs`,
  },
};
console.log(`seed ${values.seed}`);

async function main(): Promise<number> {
  if (values.mutations) return runGate(run, values.only, !values.short);
  if (values.minutes !== undefined) return longRun(run, Number(values.minutes));
  const names = values.nemesis?.split(',') ?? NEMESES.map((nemesis) => nemesis.name);
  let failed = 0;
  for (const name of names) {
    const nemeses = name.split('+').map(nemesisNamed);
    let { violations } = await roundOf(run, nemeses, values.seed);
    if (violations.length > 0 && violations.every(({ check }) => check === 'liveness')) {
      console.log('     only slow: once more');
      ({ violations } = await roundOf(run, nemeses, values.seed));
    }
    if (violations.length > 0) failed++;
  }
  console.log(`${names.length - failed} passed, ${failed} failed`);
  return failed;
}

process.exit((await main()) === 0 ? 0 : 1);
