// How the cost of a request grows with Pods, rules and open connections, and how long the event loop stands still while 1,000 Pods are probed every
// 2 s and /metrics is scraped every second. Writes bench/results/scale.md. Needs nginx and wrk; HAProxy is measured where it is installed.
//   --runs N     runs of each figure, default 7          --seconds N   length of a run, default 1
//   --watch N    seconds that the loop is watched, default 20           --only-loop   nothing but that
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { takingTurns, wrk } from './lib/clients.mjs';
import { inspectProcess } from './lib/inspect.mjs';
import { startManyRules, startManyServers, startNames, startPods } from './lib/many-pods.mjs';
import { matchAndPick } from './lib/match-and-pick.mjs';
import { cpuUs, endAll, freePorts, rssMiB, stopServer, which } from './lib/processes.mjs';

const { values: flags } = parseArgs({
  options: {
    runs: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '1' },
    watch: { type: 'string', default: '20' },
    'only-loop': { type: 'boolean', default: false },
  },
});
const runs = Number(flags.runs);
const seconds = Number(flags.seconds);
const RULES = [1, 100, 1000];
const PODS = [1, 10, 100, 1000];
const CONNECTIONS = [1, 100, 1000, 10_000];
const GRID = [
  ...PODS.map((pods) => ({ pods, rules: 1 })),
  { pods: 1, rules: 100 },
  { pods: 1, rules: 1000 },
  { pods: 1000, rules: 1000 },
];

for (const tool of ['nginx', 'wrk'])
  if (!which(tool)) {
    console.error(`scale: ${tool} is needed: apt-get install ${tool === 'nginx' ? 'nginx-light' : tool}`);
    process.exit(1);
  }

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const growth = (value, base) =>
  `${value >= base ? '+' : '−'}${Math.abs((value / base - 1) * 100).toFixed(0)} %`;

const port = await startPods(which('nginx'), Math.max(...PODS));
const names = Object.fromEntries(await Promise.all(PODS.map(async (pods) => [pods, await startNames(pods)])));
const lines = [
  `Measured ${new Date().toISOString().slice(0, 10)} on ${cpus().length} × ${cpus()[0].model.trim()}, Node ${process.version}, load ${loadavg()[0].toFixed(1)} at the start; \`node bench/scale.mjs --runs ${runs} --seconds ${seconds} --watch ${flags.watch}\`.`,
  '',
];

if (!flags['only-loop']) {
  lines.push(...(await inProcess()), ...(await endToEnd()), ...(await openConnections()));
}
lines.push(...(await loop()));
console.log(lines.join('\n'));
if (!flags['only-loop']) writeFileSync(new URL('results/scale.md', import.meta.url), `${lines.join('\n')}\n`);
endAll();
process.exit(0);

/** One match and one pick. */
async function inProcess() {
  const { matching, picking } = await matchAndPick(RULES, PODS);
  const row = (name, values, base) =>
    `| ${name} | ${values.map((ns) => `${ns.toFixed(0)}${ns === base ? '' : ` (${growth(ns, base)})`}`).join(' | ')} |`;
  return [
    '## One match, one pick (ns, median; in brackets the growth over 1 rule, over 10 Pods: one Pod is no choice)',
    '',
    `| rules told apart by | ${RULES.join(' | ')} |`,
    `|---|${'---|'.repeat(RULES.length)}`,
    ...Object.entries(matching).map(([name, values]) => row(name, values, values[0])),
    '',
    `| Pods, picked by | ${PODS.join(' | ')} |`,
    `|---|${'---|'.repeat(PODS.length)}`,
    ...Object.entries(picking).map(([name, values]) => row(name, values, values[1])),
    '',
  ];
}

/** CPU per request; what the process uses at rest (probes, look-ups) is measured before and taken off. */
async function endToEnd() {
  const loads = (rules) => ({ path: `/r${rules - 1}/x`, connections: 32 });
  const running = [];
  for (const at of GRID)
    running.push({
      proxy: 'headroute',
      ...at,
      ...(await startManyRules({ ...at, port, names: names[at.pods] })),
      cpu: [],
      p99: [],
      rest: 0,
    });
  for (const pods of which('haproxy') ? [1, 1000] : [])
    running.push({
      proxy: 'HAProxy',
      pods,
      rules: 1,
      ...(await startManyServers({ pods, port })),
      cpu: [],
      p99: [],
      rest: 0,
    });
  await pause(6000);
  const before = running.map(({ child }) => cpuUs(child.pid));
  await pause(6000);
  for (const [i, one] of running.entries()) one.rest = (cpuUs(one.child.pid) - before[i]) / 6;
  // Until connections to all Pods are open.
  for (const one of running) await wrk(one.port, loads(one.rules), one.pods >= 100 ? 4 : 1);
  for (let run = 0; run < runs; run++)
    for (const one of running) {
      const from = cpuUs(one.child.pid);
      const began = performance.now();
      const { requests, p99 } = await wrk(one.port, loads(one.rules), seconds);
      const rest = (one.rest * (performance.now() - began)) / 1000;
      one.cpu.push((cpuUs(one.child.pid) - from - rest) / requests);
      one.p99.push(p99);
    }
  const baseOf = (proxy) => median(running.find((one) => one.proxy === proxy).cpu);
  const rows = running.map(
    ({ proxy, pods, rules, cpu, p99, rest, child }) =>
      `| ${proxy} | ${pods} | ${rules} | ${median(cpu).toFixed(1)} (${Math.min(...cpu).toFixed(1)}–${Math.max(...cpu).toFixed(1)}) | ${growth(median(cpu), baseOf(proxy))} | ${median(p99).toFixed(2)} | ${(rest / 1000).toFixed(1)} | ${rssMiB(child.pid).toFixed(0)} |`,
  );
  for (const { child } of running) await stopServer(child);
  return [
    '## A request through the built program (250 B, 32 connections, the last rule)',
    '',
    '| proxy | Pods | rules | CPU µs/request, median (lowest–highest) | growth | p99 ms | CPU at rest, ms a second | RSS MiB |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
    '',
  ];
}

/** Connections of clients that are all open and take turns, 32 requests at a time. Fewer than that many are asked one at a time each. */
async function openConnections() {
  const starts = {
    headroute: () =>
      startManyRules({ pods: 1, rules: 1, port, names: names[1], limits: { connections: 12_000 } }),
    ...(which('haproxy') ? { HAProxy: () => startManyServers({ pods: 1, port }) } : {}),
  };
  const rows = [];
  for (const [proxy, start] of Object.entries(starts)) {
    let base = null;
    for (const connections of CONNECTIONS) {
      const { child, port: at } = await start();
      const client = await takingTurns(at, '/r0/x', connections, 32);
      await client.ask(2);
      const cpu = [];
      const p99 = [];
      for (let run = 0; run < runs; run++) {
        const from = cpuUs(child.pid);
        const result = await client.ask(seconds);
        cpu.push((cpuUs(child.pid) - from) / result.requests);
        p99.push(result.p99);
      }
      // One request at a time costs more of all: growth is over 100.
      if (connections >= 100) base ??= median(cpu);
      rows.push(
        `| ${proxy} | ${connections} | ${median(cpu).toFixed(1)} (${Math.min(...cpu).toFixed(1)}–${Math.max(...cpu).toFixed(1)}) | ${base === null ? '' : growth(median(cpu), base)} | ${median(p99).toFixed(2)} | ${rssMiB(child.pid).toFixed(0)} |`,
      );
      client.close();
      await stopServer(child);
    }
  }
  return [
    '## A request with so many connections open (250 B, 32 requests at a time over connections that take turns, growth over 100)',
    '',
    '| proxy | connections | CPU µs/request, median (lowest–highest) | growth | p99 ms | RSS MiB |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
  ];
}

/** How late the loop is; the monitor's own resolution of 1 ms is part of each figure. */
async function loop() {
  const rows = [];
  for (const at of [
    { pods: 1, rules: 1 },
    { pods: 1000, rules: 1 },
    { pods: 1000, rules: 1000 },
  ]) {
    const [inspector] = await freePorts(1);
    const preload = new URL('lib/loop-delay.mjs', import.meta.url).pathname;
    const nodeFlags = ['--import', preload, `--inspect=127.0.0.1:${inspector}`];
    const {
      child,
      port: data,
      admin,
    } = await startManyRules({ ...at, port, names: names[at.pods], nodeFlags });
    const inspection = await inspectProcess(inspector);
    // Every rule has its series in the scrape.
    for (let n = 0; n < at.rules; n++) await fetch(`http://127.0.0.1:${data}/r${n}/x`).then((r) => r.text());
    await pause(5000);
    const scrapes = [];
    const parts = [];
    for (let part = 0; part < 5; part++) {
      await inspection.evaluate('__loopDelay.begin()');
      for (let second = 0; second < Number(flags.watch) / 5; second++) {
        const began = performance.now();
        const text = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
        scrapes.push({ ms: performance.now() - began, bytes: text.length });
        await pause(1000 - (performance.now() - began));
      }
      parts.push(await inspection.evaluate('__loopDelay.end()'));
    }
    inspection.close();
    await stopServer(child);
    const of = (key) => median(parts.map((part) => part[key])).toFixed(1);
    const worst = (key) => Math.max(...parts.map((part) => part[key])).toFixed(1);
    const stalls = parts.reduce((sum, part) => sum + part.stalls, 0);
    rows.push(
      `| ${at.pods} | ${at.rules} | ${of('p50')} | ${of('p99')} | ${of('p999')} | ${of('max')} | ${worst('max')} | ${of('busy')} | ${worst('busy')} | ${stalls} | ${worst('gc')} | ${median(scrapes.map(({ ms }) => ms)).toFixed(0)} | ${(scrapes.at(-1).bytes / 1024).toFixed(0)} |`,
    );
  }
  return [
    '## How long the event loop stands still (ms, 1 ms of resolution included; medians of five stretches)',
    '',
    'Every Pod is probed by HTTP every 2 s, /metrics is scraped every second, no other requests. "On the CPU" is how much of a stretch without',
    'a turn this process had the processor: the rest is what other processes took from it.',
    '',
    '| Pods | rules | p50 | p99 | p99.9 | longest | longest of all | longest on the CPU | longest of all on the CPU | over 10 ms on the CPU | longest collection | a scrape takes | and has KiB |',
    '|---|---|---|---|---|---|---|---|---|---|---|---|---|',
    ...rows,
    '',
  ];
}
