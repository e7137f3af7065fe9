// node bench/cold-clients.mjs: clients without a connection, beside others that keep each proxy busy. How long until the first answer?
//   --clients N  how many come at once, default 1000      --busy N  connections that ask without pause, default 256
//   --runs N     rounds, alternating, default 3           --only a,b  proxies, default haproxy-same-work,headroute
// Only loopback; ends by itself after some 10 s a round at most.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { startBackend } from './lib/backend.mjs';
import { wrk } from './lib/clients.mjs';
import { endAll, stopServer, which } from './lib/processes.mjs';
import { PROXIES } from './lib/proxies.mjs';

const GIVE_UP_MS = 5000;
const { values: flags } = parseArgs({
  options: {
    clients: { type: 'string', default: '1000' },
    busy: { type: 'string', default: '256' },
    runs: { type: 'string', default: '3' },
    only: { type: 'string', default: 'haproxy-same-work,headroute' },
  },
});
const count = Number(flags.clients);
const busy = { path: '/250B', connections: Number(flags.busy) };

const backend = await startBackend(which('nginx'));
const proxies = [];
for (const name of flags.only.split(',')) {
  const proxy = PROXIES.find((one) => one.name === name);
  const missing = proxy === undefined ? 'no such proxy' : proxy.missing();
  if (missing === null) proxies.push({ name, rounds: [], ...(await proxy.start(backend.port)) });
  else console.log(`${name}: ${missing}`);
}
for (let run = 0; run < Number(flags.runs); run++)
  for (const proxy of proxies) proxy.rounds.push(await round(proxy.port));
for (const { name, rounds } of proxies) {
  const middle = (key) => rounds.map((one) => one[key]).sort((a, b) => a - b)[rounds.length >> 1];
  console.log(
    `${name}: first answer p50 ${middle('p50').toFixed(0)} ms, p99 ${middle('p99').toFixed(0)} ms, last ${middle('last').toFixed(0)} ms; ` +
      `without one after ${GIVE_UP_MS / 1000} s: ${rounds.map(({ unanswered }) => unanswered).join(', ')} of ${count}; the busy ones ${middle('rps').toFixed(0)}/s`,
  );
}
for (const { child } of proxies) await stopServer(child);
endAll();
process.exit(0);

async function round(port) {
  const client = fork(new URL('lib/cold-clients.mjs', import.meta.url));
  const load = wrk(port, busy, 7).catch(() => ({ rps: Number.NaN }));
  // The busy ones are connected, and the proxy is warm.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  client.send({ port, count, forMs: GIVE_UP_MS });
  const [{ waits, unanswered }] = await once(client, 'message');
  client.kill();
  const { rps } = await load;
  const at = (share) => waits[Math.min(waits.length - 1, Math.floor(share * waits.length))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), last: at(1), unanswered, rps };
}
