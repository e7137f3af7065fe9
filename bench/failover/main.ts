import { parseArgs } from 'node:util';
import type { RoundResult } from './judge.ts';
import { table } from './report/markdown.ts';
import { type Measured, measured, ResultFile } from './report/result-file.ts';
import { playRound } from './round.ts';
import { stopAll } from './running.ts';
import type { ProxyName, Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/all.ts';

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    out: { type: 'string', default: 'bench/results' },
  },
});
const chosen = flags.only === undefined ? SCENARIOS : flags.only.split(',').map(named);
const rounds = flags.rounds === undefined ? null : Number(flags.rounds);
if (rounds !== null && !(Number.isInteger(rounds) && rounds > 0)) fail('--rounds wants a number above 0');

// Each server that runs listens for this process's end.
process.setMaxListeners(0);
// A terminal sends it to this process and to npm, which passes it on: the second must not cut the end short.
let ending: Promise<never> | null = null;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    ending ??= end(1);
  });

let failures = 0;
const file = new ResultFile(flags.out, SCENARIOS);
const run: Record<string, Measured> = {};
for (const scenario of chosen) {
  try {
    run[scenario.name] = measured(await play(scenario, rounds ?? (flags.quick ? 1 : scenario.rounds)));
    if (!flags.quick) file.add(run);
  } catch (error) {
    // What was ended by a signal fails, too.
    await ending;
    failures++;
    console.error(`${scenario.name} failed: ${(error as Error).stack}`);
  } finally {
    await stopAll();
  }
}
console.log(table(SCENARIOS, run).join('\n'));
await end(failures === 0 ? 0 : 1);

/** Proxies take turns, so that both meet the same hours of the machine. */
async function play(scenario: Scenario, count: number): Promise<RoundResult[]> {
  const stage = await scenario.start();
  const results: RoundResult[] = [];
  for (let n = 0; n < count; n++) {
    for (const proxy of stage.proxies.keys()) results.push(await playAndTell(proxy, n));
  }
  return results;

  async function playAndTell(proxy: ProxyName, n: number): Promise<RoundResult> {
    const result = await playRound(scenario, stage, proxy, n);
    const { served: _, servedAndLost: __, failed: ___, ...figures } = result;
    console.log(`${scenario.name} ${n + 1}/${count} ${JSON.stringify(figures, shortened)}`);
    return result;
  }
}

function shortened(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value) : value;
}

function named(name: string): Scenario {
  return SCENARIOS.find((s) => s.name === name) ?? fail(`there is no ${name}; there are ${names()}`);
}

function names(): string {
  return SCENARIOS.map(({ name }) => name).join(', ');
}

function fail(message: string): never {
  console.error(`bench:failover: ${message}`);
  process.exit(1);
}

async function end(status: number): Promise<never> {
  await stopAll();
  process.exit(status);
}
