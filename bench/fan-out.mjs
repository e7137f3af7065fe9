// What large fan-outs cost the event loop and the memory of the built program: ten Pods, answers of 1.2 to 4.2 MB, one to fifty at once, clients that
// read and such that do not. "On the CPU" is how much of a stretch without a turn the process had the processor.
//   --heap MB    V8's heap limit, default 128          --only TEXT   cases whose name has it
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { cpus, loadavg, setPriority } from 'node:os';
import { parseArgs } from 'node:util';
import { inspectProcess } from './lib/inspect.mjs';
import { startNames } from './lib/many-pods.mjs';
import { cpuUs, endAll, freePorts, startServer, stopServer, writeTemporary } from './lib/processes.mjs';

const { values: flags } = parseArgs({
  options: { heap: { type: 'string', default: '128' }, only: { type: 'string', default: '' } },
});
const PODS = 10;
const CASES = [
  { name: 'Merge of 10 × 1.2 MB', path: '/merge/rows', clients: 1 },
  { name: 'four of them at once', path: '/merge/rows', clients: 4 },
  { name: 'fifty of them at once', path: '/merge/rows', clients: 50 },
  { name: 'fifty of them, clients that do not read', path: '/merge/rows', clients: 50, deaf: true },
  { name: 'All of 10 × 4.2 MB, nested 2.1 million deep', path: '/all/nested', clients: 1 },
  { name: 'All of 10 × 4 MB of text to be escaped', path: '/all/text', clients: 1 },
  { name: 'All of 10 × 4 MB for base64', path: '/all/binary', clients: 1 },
  { name: 'JSONLines of 10 × 4 MB', path: '/lines/rows', clients: 1 },
  { name: 'JSONLines of 10 × 1.3 million lines', path: '/lines/short', clients: 1 },
  { name: 'Quorum over 10 × 4 MB', path: '/quorum/large', clients: 1 },
  { name: 'four of them at once, again', path: '/quorum/large', clients: 4 },
];

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const rule = (prefix, selection) => ({
  name: prefix,
  matches: [{ path: { type: 'PathPrefix', value: `/${prefix}` } }],
  backendRefs: [{ name: 'pod' }],
  selection: { type: 'FanOut', over: 'All', maxResponseBytes: '8Mi', ...selection },
});

const [podPort] = await freePorts(1);
const program = (path) => new URL(path, import.meta.url).pathname;
await startServer(process.execPath, [program('lib/fan-out-pods.mjs'), String(podPort)], podPort);
const names = await startNames(PODS);
const lines = [
  `Measured ${new Date().toISOString().slice(0, 10)} on ${cpus().length} × ${cpus()[0].model.trim()}, Node ${process.version}, load ${loadavg()[0].toFixed(1)} at the start; \`node bench/fan-out.mjs --heap ${flags.heap}\`.`,
  '',
  '| load | answers | seconds | CPU s | longest turn ms | longest on the CPU ms | over 10 ms on the CPU | longest collection ms | RSS before MiB | RSS most MiB |',
  '|---|---|---|---|---|---|---|---|---|---|',
];
for (const one of CASES) if (one.name.includes(flags.only)) lines.push(await measure(one));
console.log(lines.join('\n'));
if (flags.only === '') writeFileSync(new URL('results/fan-out.md', import.meta.url), `${lines.join('\n')}\n`);
endAll();
process.exit(0);

async function measure({ name, path, clients, deaf = false }) {
  const { child, port, inspection } = await start();
  const status = () => readFileSync(`/proc/${child.pid}/status`, 'utf8');
  const mib = (field) => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status())[1]) / 1024;
  // Once alone, so that code is compiled and connections are open.
  await ask(port, path);
  await pause(500);
  const rss = mib('VmRSS');
  // From here on: clear_refs(5) sets the peak anew.
  writeFileSync(`/proc/${child.pid}/clear_refs`, '5');
  // What other processes take is not what is measured; root alone may.
  try {
    setPriority(child.pid, -19);
  } catch {}
  await inspection.evaluate('__loopDelay.begin()');
  const [fromMs, fromUs] = [performance.now(), cpuUs(child.pid)];
  const asked = Array.from({ length: clients }, () => (deaf ? askAndIgnore(port, path) : ask(port, path)));
  const answers = await Promise.all(asked);
  if (deaf) await pause(3000);
  const seconds = (performance.now() - fromMs) / 1000;
  const cpu = (cpuUs(child.pid) - fromUs) / 1e6;
  const seen = await inspection.evaluate('__loopDelay.end()');
  const peak = mib('VmHWM');
  inspection.close();
  await stopServer(child);
  const counts = Object.entries(grouped(answers));
  const told = counts.map(([answer, all]) => `${all.length} × ${answer}`).join(', ');
  const ms = (value) => value.toFixed(1);
  return `| ${name} | ${told} | ${seconds.toFixed(2)} | ${cpu.toFixed(2)} | ${ms(seen.max)} | ${ms(seen.busy)} | ${seen.stalls} | ${ms(seen.gc)} | ${rss.toFixed(0)} | ${peak.toFixed(0)} |`;
}

function grouped(answers) {
  const groups = {};
  for (const answer of answers) groups[answer] = [...(groups[answer] ?? []), answer];
  return groups;
}

async function start() {
  const [port, admin, debug, inspector] = await freePorts(4);
  const config = {
    apiVersion: 'headroute.dev/v1alpha1',
    kind: 'ProxyConfig',
    backends: [
      {
        name: 'pod',
        service: 'pod.bench.svc.cluster.local',
        port: podPort,
        discovery: { nameservers: [`127.0.0.1:${names}`] },
        health: { httpGet: { path: '/healthz' }, period: '10s', timeout: '5s' },
      },
    ],
    listeners: [
      {
        name: 'main',
        address: `127.0.0.1:${port}`,
        rules: [
          rule('merge', { respond: 'Merge', merge: { type: 'ConcatArrays', pointer: '/hits' } }),
          rule('lines', { respond: 'Merge', merge: { type: 'JSONLines' } }),
          rule('all', { respond: 'All' }),
          rule('quorum', { respond: 'Quorum' }),
        ],
      },
    ],
    admin: { address: `127.0.0.1:${admin}` },
    debug: { address: `127.0.0.1:${debug}` },
    log: { level: 'error' },
  };
  const file = writeTemporary(`fan-out-${port}.yaml`, JSON.stringify(config));
  const nodeFlags = [
    `--max-old-space-size=${flags.heap}`,
    '--import',
    program('lib/loop-delay.mjs'),
    `--inspect=127.0.0.1:${inspector}`,
  ];
  const args = [...nodeFlags, program('../dist/headroute.js'), 'run', '--config', file];
  const child = await startServer(process.execPath, args, admin);
  for (;;) {
    const text = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
    if (text.includes(`headroute_pods{backend="pod",state="ready"} ${PODS}\n`)) break;
    await pause(50);
  }
  return { child, port, inspection: await inspectProcess(inspector) };
}

/** @returns the status, and the failure where it is one */
async function ask(port, path) {
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  let head = '';
  socket.on('data', (chunk) => {
    if (head.length < 1000) head += chunk.toString('latin1', 0, 1000);
  });
  await once(socket, 'close').catch(() => {});
  const failure = /X-Headroute-Failure: (\w+)/.exec(head)?.[1];
  return `${head.slice(9, 12) || 'nothing'}${failure === undefined ? '' : ` ${failure}`}`;
}

async function askAndIgnore(port, path) {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  socket.pause();
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  return 'unread';
}
