// How long the event loop stands still while 1,000 Pods are replaced at once, or leave at once, 1,000 requests having gone to them before.
// The promise is 10 ms (SPEC 6, promise 9). Needs the built program and nothing but Node; prints a table.
//   --rounds N   default 5
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { inspectProcess } from './lib/inspect.mjs';
import { startManyRules, startNames } from './lib/many-pods.mjs';
import { endAll, freePorts } from './lib/processes.mjs';

const { values: flags } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
const PODS = 1000;

// One server on every address of 127.0.0.0/8 is all the Pods.
const pods = createServer((_request, response) => response.end('ok'));
await new Promise((resolve) => pods.listen(0, '0.0.0.0', resolve));
const { port } = pods.address();

let generation = 0;
let count = PODS;
const present = () => Array.from({ length: count }, (_, n) => generation * PODS + n);
const names = await startNames(present, (address) => address % PODS);
const [inspector] = await freePorts(1);
const preload = new URL('lib/loop-delay.mjs', import.meta.url).pathname;
const { port: data, admin } = await startManyRules({
  pods: PODS,
  rules: 1,
  port,
  names,
  nodeFlags: ['--import', preload, `--inspect=127.0.0.1:${inspector}`],
  discovery: { refresh: { min: '200ms', max: '400ms' } },
});
const inspection = await inspectProcess(inspector);

/** Waits until so many Pods are ready and none is left that drains. */
async function ready(wanted) {
  for (;;) {
    const text = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
    const of = (state) =>
      Number(new RegExp(`headroute_pods\\{backend="pod",state="${state}"\\} (\\d+)`).exec(text)?.[1]);
    if (of('ready') === wanted && of('draining') === 0 && of('unready') === 0) return;
    await pause(50);
  }
}

async function measure(change, wanted) {
  for (let n = 0; n < PODS; n += 10)
    await Promise.all(
      Array.from({ length: 10 }, () => fetch(`http://127.0.0.1:${data}/r0/x`).then((r) => r.text())),
    );
  // What the requests left behind is not the departure's.
  await pause(3000);
  await inspection.evaluate('__loopDelay.begin()');
  change();
  await pause(1500);
  const figures = await inspection.evaluate('__loopDelay.end()');
  await ready(wanted);
  return figures;
}

console.log('| change of 1,000 Pods | longest ms without a turn | of them on the CPU | longest collection |');
console.log('|---|---|---|---|');
for (let round = 0; round < Number(flags.rounds); round++) {
  const row = (what, { max, busy, gc }) =>
    console.log(`| ${what} | ${max.toFixed(1)} | ${busy.toFixed(1)} | ${gc.toFixed(1)} |`);
  row('nothing', await measure(() => {}, PODS));
  row(
    'replaced',
    await measure(() => {
      generation = 1 - generation;
    }, PODS),
  );
  row(
    'all but one leave',
    await measure(() => {
      count = 1;
    }, 1),
  );
  row(
    'all come back',
    await measure(() => {
      count = PODS;
    }, PODS),
  );
}
inspection.close();
pods.close();
endAll();
process.exit(0);
