import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { NEMESES, nemesisNamed } from './nemeses/all.ts';
import type { Nemesis } from './nemeses/contract.ts';
import { summary } from './report/summary.ts';
import { runRound } from './round.ts';

const BIN = '.cache/chaos/bin';
const programs = {
  headroute: `${BIN}/headroute/headroute.js`,
  pod: `${BIN}/pod.mjs`,
  hooks: `./${BIN}/hooks.mjs`,
};

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: randomBytes(3).toString('hex') },
    nemesis: { type: 'string' },
    seconds: { type: 'string', default: '20' },
  },
});

let failed = 0;
const chosen: readonly Nemesis[] = values.nemesis?.split(',').map(nemesisNamed) ?? NEMESES;
for (const nemesis of chosen) {
  const result = await runRound({
    nemeses: [nemesis],
    seed: values.seed,
    seconds: Number(values.seconds),
    programs,
    folder: `.cache/chaos/${nemesis.name}`,
  });
  console.log(summary(nemesis.name, result));
  if (result.violations.length > 0) failed++;
}
process.exit(failed === 0 ? 0 : 1);
