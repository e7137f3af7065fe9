// node bench/overload.mjs: more requests than a proxy can answer. How many are answered while their clients still wait?
//   --share N     part of a core that a proxy gets, default 0.06     --only a,b  proxies, default haproxy-same-work,headroute
//   --loads a,b   arrivals, as multiples of what it answers in time at the most, default 1,1.5,2
//   --seconds N   length of each, the first third not counted, default 9   --modes kept,fresh   --out FILE
// Requests come at a fixed rate (an open loop); clients give up after 2 s. What a proxy answers at the most is found first, by rising rates.
// Only loopback; ends by itself after some six minutes.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startBackend } from './lib/backend.mjs';
import { wrk } from './lib/clients.mjs';
import { limitCpu } from './lib/cpu-share.mjs';
import { cpuUs, endAll, stopServer, which } from './lib/processes.mjs';
import { PROXIES } from './lib/proxies.mjs';

const GIVE_UP_MS = 2000;
const { values: flags } = parseArgs({
  options: {
    share: { type: 'string', default: '0.06' },
    only: { type: 'string', default: 'haproxy-same-work,headroute' },
    loads: { type: 'string', default: '1,1.5,2' },
    seconds: { type: 'string', default: '9' },
    modes: { type: 'string', default: 'kept,fresh' },
    out: { type: 'string' },
  },
});
const seconds = Number(flags.seconds);
const loads = flags.loads.split(',').map(Number);
const rows = [];
let how = '';

// A mistake here must not leave a machine busy.
setTimeout(() => process.exit(1), 15 * 60_000).unref();
const backend = await startBackend(which('nginx'));
for (const mode of flags.modes.split(','))
  for (const name of flags.only.split(',')) {
    const proxy = PROXIES.find((one) => one.name === name);
    const missing = proxy === undefined ? 'no such proxy' : proxy.missing();
    if (missing === null) await measure(mode, name, await proxy.start(backend.port));
    else console.log(`${name}: ${missing}`);
  }
const table = [
  `| connections | proxy | arrivals | a second | answered 200 in ${GIVE_UP_MS / 1000} s | of the peak | refused | given up | broken | p50 ms | p99 ms | CPU |`,
  '|---|---|---|---|---|---|---|---|---|---|---|---|',
  ...rows.map((row) => `| ${row.join(' | ')} |`),
].join('\n');
console.log(`${how}\n${table}`);
if (flags.out) writeFileSync(flags.out, `${how}\n\n${table}\n`);
endAll();
process.exit(0);

async function measure(mode, name, { child, port }) {
  const kept = mode === 'kept';
  const load = { path: '/250B', connections: 64, close: !kept };
  await wrk(port, load, 2);
  // What its share is worth, by what a request costs it while nothing limits it: nobody gets near that.
  const before = cpuUs(child.pid);
  const { requests } = await wrk(port, load, 3);
  const worth = (Number(flags.share) * 1e6) / ((cpuUs(child.pid) - before) / requests);
  const limit = limitCpu(child.pid, Number(flags.share));
  how = `Each proxy had ${Number(flags.share) * 100} % of a core (${limit.how}).`;
  process.once('exit', limit.release);
  const run = async (rate, length, what) => {
    const order = { port, rate, seconds: length, skipSeconds: length / 3, giveUpMs: GIVE_UP_MS, kept };
    const client = fork(new URL('lib/open-loop.mjs', import.meta.url));
    const from = cpuUs(child.pid);
    client.send(order);
    const [result] = await once(client, 'message');
    client.kill();
    const cpu = (cpuUs(child.pid) - from) / length / 1e4;
    const each = (count) => Math.round(count / (length - order.skipSeconds));
    console.log(
      mode,
      name,
      what,
      Math.round(rate),
      `answered ${each(result.ok)}, the client late by ${result.lagMs} ms`,
    );
    // What is left of it is over before the next.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    return { what, rate, ok: each(result.ok), each, result, cpu };
  };
  const rising = [];
  for (const part of [0.15, 0.25, 0.35, 0.5, 0.75]) rising.push(await run(part * worth, 5, 'rising'));
  const capacity = Math.max(...rising.map(({ ok }) => ok));
  const measured = [];
  for (const factor of loads) measured.push(await run(factor * capacity, seconds, `${factor} ×`));
  const peak = Math.max(capacity, ...measured.map(({ ok }) => ok));
  for (const { what, rate, ok, each, result, cpu } of measured)
    rows.push([
      kept ? 'kept' : 'one each',
      name,
      what,
      Math.round(rate),
      ok,
      `${Math.round((ok / peak) * 100)} %`,
      each(result.refused),
      each(result.late),
      each(result.broken),
      result.p50?.toFixed(0) ?? '',
      result.p99?.toFixed(0) ?? '',
      `${cpu.toFixed(1)} %`,
    ]);
  limit.release();
  await stopServer(child);
}
