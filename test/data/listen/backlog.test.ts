import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { resizeBacklog, waitingConnections } from '../../../src/platform/backlog.ts';
import { poll } from '../../helpers/waiting.ts';

const undone: (() => void)[] = [];

afterEach(() => {
  for (const undo of undone.splice(0)) undo();
});

async function listening(): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  server.listen({ port: 0, host: '127.0.0.1', backlog: 128 });
  undone.push(() => server.close());
  await once(server, 'listening');
  return server;
}

/** How many of 30 clients of another process are connected while this one's loop stands still and accepts nothing. */
function connectedMeanwhile(server: Server): number {
  const script = `
    let connected = 0;
    for (let n = 0; n < 30; n++)
      require('node:net').connect(${(server.address() as AddressInfo).port}, '127.0.0.1', () => connected++).on('error', () => {});
    setTimeout(() => { console.log(connected); process.exit(); }, 400);`;
  return Number(spawnSync(process.execPath, ['-e', script], { timeout: 10_000 }).stdout.toString());
}

/** The port of a process that listens and then stands still. */
async function deafPort(): Promise<number> {
  const script = `
    const server = require('node:net').createServer().listen(0, '127.0.0.1', () =>
      process.stdout.write(String(server.address().port), () =>
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000)));`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  undone.push(() => child.kill('SIGKILL'));
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  return Number(text.toString());
}

describe.runIf(process.platform === 'linux')('the kernel’s queue of a listening socket', () => {
  it('takes no more connections than it was resized to', async () => {
    const server = await listening();
    expect(resizeBacklog(server, 4)).toBe(true);
    expect(connectedMeanwhile(server)).toBeLessThanOrEqual(5);
  });

  it('takes more after it was made longer again', async () => {
    const server = await listening();
    resizeBacklog(server, 4);
    resizeBacklog(server, 128);
    expect(connectedMeanwhile(server)).toBeGreaterThan(5);
  });

  it('tells how many wait', async () => {
    const port = await deafPort();
    const sockets: Socket[] = [];
    for (let n = 0; n < 7; n++) sockets.push(connect({ port, host: '127.0.0.1' }));
    undone.push(() => {
      for (const socket of sockets) socket.destroy();
    });
    await poll(async () => (await waitingConnections(port)) === 7, 'seven wait', 10_000);
  });

  it('tells nothing of a port that nobody listens at', async () => {
    const server = await listening();
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    expect(await waitingConnections(port)).toBe(null);
  });
});

describe('without what Node does not promise', () => {
  it.each([
    ['no handle', {}],
    ['a handle that cannot listen', { _handle: {} }],
    ['a handle that is closed', { _handle: null }],
    ['a handle whose call fails', { _handle: { listen: () => -9 } }],
  ])('%s: nothing changes', (_, server) => {
    expect(resizeBacklog(server as unknown as Server, 1)).toBe(false);
  });
});
