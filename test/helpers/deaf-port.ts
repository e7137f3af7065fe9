import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';

const BLOCKED = `
  const { parentPort, workerData } = require('node:worker_threads');
  const server = require('node:net').createServer();
  server.listen({ port: workerData, host: '0.0.0.0', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;
/** Longer than a handshake takes, shorter than the kernel waits before it asks again (1 s). */
const HANDSHAKE_MS = 150;

/**
 * A port on all of 127.0.0.0/8 that answers no SYN, as of a machine that is gone: a listener that never accepts, its queue full.
 * @param port 0: any. @returns the port
 */
export async function deafPort(port = 0): Promise<number> {
  const worker = new Worker(BLOCKED, { eval: true, workerData: port });
  const waiting: Socket[] = [];
  onTestFinished(async () => {
    for (const socket of waiting) socket.destroy();
    await worker.terminate();
  });
  const bound = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  for (let connected = true; connected; ) {
    const socket = connect({ port: bound, host: '127.0.0.1' });
    socket.on('error', () => {});
    waiting.push(socket);
    connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      setTimeout(() => setImmediate(() => setImmediate(() => resolve(false))), HANDSHAKE_MS);
    });
  }
  return bound;
}
