// A soak: many requests, every fifth aborted by its client; afterwards sockets, timers and heap are where they were.
//   --requests N   default 200000        --connections N   default 64
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { startBackend } from './lib/backend.mjs';
import { startHeadroute } from './lib/headroute.mjs';
import { inspectProcess } from './lib/inspect.mjs';
import { endAll, freePorts, rssMiB, socketCount, which } from './lib/processes.mjs';

const { values } = parseArgs({ options: { requests: { type: 'string' }, connections: { type: 'string' } } });
const total = Number(values.requests ?? 200_000);
const connections = Number(values.connections ?? 64);
const MAY_GROW = { sockets: 0, timers: 4, heapMiB: 8 };

if (!which('nginx')) {
  console.error('soak: the Pod is nginx: apt-get install nginx-light');
  process.exit(1);
}
const backend = await startBackend(which('nginx'));
const [inspector] = await freePorts(1);
const headroute = await startHeadroute(
  backend.port,
  ['--expose-gc', `--inspect=127.0.0.1:${inspector}`],
  '2s',
);
const { child, port } = headroute;
const inspection = await inspectProcess(inspector);

let sent = 0;
let aborted = 0;
let answered = 0;
const strange = new Map();

await drive(Math.min(20_000, total));
const before = await settled();
sent = aborted = answered = 0;
await drive(total);
const after = await settled();
inspection.close();

const rows = Object.keys(MAY_GROW).map((key) => ({
  what: key,
  before: before[key],
  after: after[key],
  ok: after[key] <= before[key] + MAY_GROW[key],
}));
console.log(
  `${sent} requests, ${answered} answered, ${aborted} aborted by the client; RSS ${rssMiB(child.pid).toFixed(0)} MiB`,
);
for (const { what, before: was, after: is, ok } of rows) {
  console.log(`${what.padEnd(8)} ${was.toFixed(1)} before, ${is.toFixed(1)} after ${ok ? 'ok' : 'GREW'}`);
}
for (const [what, times] of strange) console.log(`unexpected: ${what}, ${times} times`);
endAll();
process.exit(rows.every(({ ok }) => ok) && strange.size === 0 && sent === total ? 0 : 1);

async function drive(requests) {
  let left = requests;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (left > 0) {
        left -= 1;
        sent += 1;
        await one(sent);
      }
    }),
  );
}

/** Every fifth leaves at once, in the head, in the body of a large answer, or in its own body. */
function one(number) {
  const kind = number % 5 === 0 ? ['at-once', 'in-head', 'in-answer', 'in-body'][(number / 5) % 4] : 'whole';
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let head = '';
    socket.on('error', () => {}).on('close', () => resolve());
    socket.on('connect', () => {
      if (kind === 'in-head') socket.write('GET /250B HTTP/1.1\r\nHo');
      else if (kind === 'in-body')
        socket.write('POST /post HTTP/1.1\r\nHost: p\r\nContent-Length: 100000\r\n\r\nabc');
      else if (kind === 'in-answer') socket.write('GET /1MiB HTTP/1.1\r\nHost: p\r\n\r\n');
      else socket.write('GET /250B HTTP/1.1\r\nHost: p\r\nConnection: close\r\n\r\n');
      if (kind === 'at-once' || kind === 'in-head') leave(socket);
      else if (kind === 'in-body') setImmediate(() => leave(socket));
    });
    socket.on('data', (chunk) => {
      if (kind === 'in-answer') return leave(socket);
      if (head.length < 16) head += chunk.toString('latin1', 0, 16);
    });
    socket.on('end', () => {
      if (kind !== 'whole') return;
      if (head.startsWith('HTTP/1.1 200')) answered += 1;
      else strange.set(head.slice(0, 16), (strange.get(head.slice(0, 16)) ?? 0) + 1);
    });
  });
}

function leave(socket) {
  if (socket.destroyed) return;
  aborted += 1;
  socket.resetAndDestroy();
}

/** What headroute holds once its idle connections to the Pod have been let go of. */
async function settled() {
  const deadline = performance.now() + 90_000;
  let last = await measure();
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const next = await measure();
    const quiet = next.connections <= 1 && next.sockets <= last.sockets;
    if (quiet || performance.now() > deadline) return next;
    last = next;
  }
}

async function measure() {
  const { heapUsed, timers, sockets } = await inspection.evaluate(`(() => {
    gc(); gc();
    const held = process.getActiveResourcesInfo();
    return { heapUsed: process.memoryUsage().heapUsed, timers: held.filter((name) => name === 'Timeout').length,
      sockets: held.filter((name) => name === 'TCPSocketWrap').length };
  })()`);
  return { heapMiB: heapUsed / 2 ** 20, timers, connections: sockets, sockets: socketCount(child.pid) };
}
