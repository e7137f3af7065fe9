import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { listener, sidecar, stage } from './support/stage.ts';

// The built program with a small heap, and more fan-outs at once than `limits.fanOutBytes` holds (issue 16 item 2).

const CLIENTS = 30;
const MOST_MIB = 256;
const NAMES = ['db-0', 'db-1', 'db-2'];
const deep = Buffer.from(`${'['.repeat(2_100_000)}${']'.repeat(2_100_000)}`);

/** @returns the status, the failure if there is one, and whether a whole body came */
function ask(port: number): Promise<{ status: string; failure: string | undefined; isWhole: boolean }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    let head = '';
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (!head.includes('\r\n\r\n')) head += chunk.toString('latin1', 0, 2000);
    });
    socket.on('error', reject);
    socket.on('end', () => {
      const length = Number(/Content-Length: (\d+)/.exec(head)?.[1]);
      const isWhole = bytes === head.indexOf('\r\n\r\n') + 4 + length;
      resolve({ status: head.slice(9, 12), failure: /X-Headroute-Failure: (\w+)/.exec(head)?.[1], isWhole });
    });
  });
}

it('thirty times three answers of 4.2 MB, nested two million deep: some are answered, the others told why, in 256 MiB', async (context) => {
  const scene = await stage(context, NAMES);
  for (const pod of scene.pods)
    pod.onRequest = (connection) => {
      connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${deep.length}\r\n\r\n`);
      connection.write(deep);
    };
  const selection = { type: 'FanOut', over: 'All', respond: 'All', maxResponseBytes: '8Mi' };
  const rules = [{ name: 'all', backendRefs: [{ name: 'db' }], selection }];
  const document = scene.document({ listeners: [listener({ rules })] });
  const running = await sidecar(context, document, { env: { NODE_OPTIONS: '--max-old-space-size=64' } });
  await running.pods(NAMES.length);
  const answers = await Promise.all(Array.from({ length: CLIENTS }, () => ask(running.port())));
  for (const { status, failure, isWhole } of answers) {
    expect(isWhole).toBe(true);
    expect([status, failure]).toEqual(status === '200' ? ['200', undefined] : ['503', 'overloaded']);
  }
  expect(answers.filter(({ status }) => status === '200').length).toBeGreaterThan(0);
  expect(running.exit).toBeNull();
  if (process.platform !== 'linux') return;
  const [, kib] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${running.pid}/status`, 'utf8'))!;
  expect(Number(kib) / 1024).toBeLessThan(MOST_MIB);
}, 120_000);
