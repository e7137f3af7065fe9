// npm run bench: headroute beside other proxies, alternating, against the same Pod and client. Installs nothing.
//   --quick        one load only, runs of 1 s
//   --only a,b     only these proxies (the first of the list that runs is what ratios are taken against)
//   --loads x,y    only these loads
//   --runs N       runs of each figure, default 5      --seconds N  length of a run, default 3
//   --client own   the second client instead of wrk    --out DIR    default bench/results
import { parseArgs } from 'node:util';
import { startBackend } from './lib/backend.mjs';
import { ownClient, wrk } from './lib/clients.mjs';
import { LOADS, QUICK_LOADS } from './lib/loads.mjs';
import { cpuUs, endAll, rssMiB, stopServer, which } from './lib/processes.mjs';
import { PROXIES } from './lib/proxies.mjs';
import { writeResults } from './lib/report.mjs';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    loads: { type: 'string' },
    runs: { type: 'string' },
    seconds: { type: 'string' },
    client: { type: 'string', default: 'wrk' },
    out: { type: 'string', default: 'bench/results' },
  },
});
const runs = Number(flags.runs ?? (flags.quick ? 3 : 5));
const seconds = Number(flags.seconds ?? (flags.quick ? 1 : 3));
const named = (list, all) =>
  list === undefined ? all : all.filter(({ name }) => list.split(',').includes(name));
const loads = named(flags.loads, flags.quick && flags.loads === undefined ? QUICK_LOADS : LOADS);
const client = flags.client === 'own' ? ownClient : wrk;

if (process.platform !== 'linux') fail('the benchmark reads /proc and so needs Linux');
if (!which('nginx')) fail('the Pod behind the proxies is nginx: apt-get install nginx-light');
if (flags.client === 'wrk' && !which('wrk')) fail('the client is wrk: apt-get install wrk (or --client own)');
if (loads.length === 0 || !(runs > 0) || !(seconds > 0)) fail('nothing to do: see the head of bench/run.mjs');
if (!Number.isInteger(seconds)) fail('wrk counts in whole seconds: --seconds');

const backend = await startBackend(which('nginx'));
const running = [];
const absent = [];
for (const proxy of named(flags.only, PROXIES)) {
  const missing = proxy.missing();
  if (missing === null) running.push({ proxy, ...(await proxy.start(backend.port)) });
  else absent.push({ name: proxy.name, install: missing });
}
for (const { name, install } of absent) console.log(`${name}: not installed (${install})`);
if (running.length === 0) fail('no proxy to measure');

const samples = [];
for (const load of loads) {
  if (client === ownClient && (load.close || load.path === '/chunked')) continue;
  for (const { port } of running) await client(port, load, 1).catch(() => {});
  for (let run = 0; run < runs; run++) {
    for (const { proxy, child, port } of running) {
      const before = cpuUs(child.pid);
      try {
        const result = await client(port, load, seconds);
        const cpu = (cpuUs(child.pid) - before) / result.requests;
        samples.push({ load: load.name, proxy: proxy.name, cpu, rss: rssMiB(child.pid), ...result });
      } catch (error) {
        samples.push({ load: load.name, proxy: proxy.name, error: error.message });
      }
    }
  }
  console.log(`${load.name}: done`);
}
const versions = Object.fromEntries(running.map(({ proxy }) => [proxy.name, proxy.version()]));
for (const { child } of running) await stopServer(child);
const table = writeResults(flags.out, {
  samples,
  loads,
  runs,
  seconds,
  client: flags.client,
  versions,
  absent,
});
console.log(`\n${table}`);
endAll();
process.exit(0);

function fail(message) {
  console.error(`bench: ${message}`);
  process.exit(1);
}
