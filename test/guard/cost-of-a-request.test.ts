import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Stage } from '../app/support/stage.ts';
import { complaints, type Figures, store, UPDATE } from './support/figures.ts';
import { type Counts, MeasuredSidecar } from './support/measured-sidecar.ts';
import { SerialClient } from './support/serial-client.ts';

/**
 * A guard against a data path that becomes dearer: system calls and allocations of one request through the built program, counted
 * and compared with bench/guard.json. Times would depend on what else the machine does; these do not. What a request costs in
 * microseconds, and beside other proxies, is `npm run bench`'s to say.
 */

const WARM_UP = 3000;
/** Few enough that hardly ever anything is collected among them: V8 collects after 64 MiB of new ArrayBuffers, and one read may take 64 KiB. */
const REQUESTS = 400;

const answer = (bytes: number) =>
  Buffer.from(
    `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`,
  );
const ANSWERS: Record<string, Buffer> = {
  '/small': answer(250),
  '/large': answer(16 * 1024),
  '/post': answer(2),
};
const head = (method: string, path: string) =>
  `${method} ${path} HTTP/1.1\r\nHost: db.example\r\nAccept: */*\r\nUser-Agent: guard\r\n`;
const SCENARIOS: Record<string, string> = {
  'GET of 250 B': `${head('GET', '/small')}\r\n`,
  'GET of 16 KiB': `${head('GET', '/large')}\r\n`,
  'POST of 16 KiB': `${head('POST', '/post')}Content-Length: ${16 * 1024}\r\n\r\n${'z'.repeat(16 * 1024)}`,
};

let pod: Server;
let stage: Stage;
let sidecar: MeasuredSidecar;
const measured: Record<string, Figures> = {};

/** A stretch in which V8 collects garbage says nothing of what was allocated: another one is measured instead. */
const TRIES = 20;
const STRETCHES = 5;

/** The least of several stretches: a timer or a log line only ever adds. */
async function measure(client: SerialClient, request: string): Promise<Figures> {
  await client.send(request, WARM_UP);
  const found: Figures[] = [];
  for (let tries = 0; tries < TRIES && found.length < STRETCHES; tries++) {
    const before = await sidecar.counts(true);
    await client.send(request, REQUESTS);
    const after = await sidecar.counts(false);
    if (after.collections === before.collections) found.push(difference(before, after));
  }
  if (found.length === 0)
    throw new Error(`V8 collected garbage in each of ${TRIES} stretches: raise the new space`);
  const least = (key: keyof Figures) => Math.min(...found.map((figures) => figures[key]));
  return {
    reads: least('reads'),
    writes: least('writes'),
    heapBytes: least('heapBytes'),
    bufferBytes: least('bufferBytes'),
  };
}

function difference(before: Counts, after: Counts): Figures {
  const each = (count: number, digits: number) => Number((count / REQUESTS).toFixed(digits));
  return {
    reads: each(after.reads - before.reads, 2),
    writes: each(after.writes - before.writes, 2),
    heapBytes: each(after.heap - before.heap, 0),
    bufferBytes: each(after.buffers - before.buffers, 0),
  };
}

/** Takes a request as whole when its last byte is there; a POST's body is counted, not read. */
function startPod(): Promise<Server> {
  const server = createServer({ noDelay: true }, (socket) => {
    let path = '';
    let left = 0;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      if (left === 0) {
        const text = chunk.toString('latin1', 0, Math.min(chunk.length, 2048));
        path = text.split(' ')[1]!;
        left = text.indexOf('\r\n\r\n') + 4 + Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      }
      left -= chunk.length;
      if (left === 0) socket.write(ANSWERS[path]!);
    });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

async function untilReady(port: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/small`);
    await response.arrayBuffer();
    if (response.status === 200) return;
    if (performance.now() > deadline) throw new Error(`the Pod is not ready: ${response.status}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** What is counted is read from /proc, which other systems do not have. */
describe.runIf(process.platform === 'linux')('a request through the built program', () => {
  beforeAll(async () => {
    pod = await startPod();
    stage = await Stage.raise([]);
    stage.dns.setService('db.prod.svc.cluster.local', 'http', 80, [
      { name: 'db-0', addresses: ['127.0.0.1'], port: (pod.address() as { port: number }).port },
    ]);
    const { host, port } = stage.dns.address;
    sidecar = await MeasuredSidecar.start(
      stage.document({
        backends: [
          stage.backend({
            // Nothing but requests while it is measured.
            discovery: { nameservers: [`${host}:${port}`], refresh: { min: '1h', max: '1h' } },
            health: { tcpSocket: {}, period: '1h' },
          }),
        ],
      }),
    );
    await untilReady(sidecar.port);
    const client = await SerialClient.connect(sidecar.port);
    for (const [name, request] of Object.entries(SCENARIOS)) measured[name] = await measure(client, request);
    client.close();
    if (UPDATE) store(measured);
  });

  afterAll(async () => {
    await sidecar?.stop();
    await stage?.close();
    pod?.close();
  });

  it.each(Object.keys(SCENARIOS))(
    '%s: no more system calls and allocations than bench/guard.json says',
    (scenario) => {
      expect(complaints(scenario, measured[scenario]!)).toEqual([]);
    },
  );
});
