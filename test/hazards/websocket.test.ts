/**
 * Real WebSocket traffic (the `ws` package on both ends) through an upgrade: large, fragmented, compressed, ping and pong,
 * close handshakes with code and reason, refusal with a body, many at once.
 * Sources: RFC 6455 sections 5.4, 5.5, 7.1; RFC 7692; issue 11 item 5.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { startDataPlane, type TestPlane } from '../helpers/data-plane.ts';

let plane: TestPlane;
let http: Server;
let sockets: WebSocketServer;
const sockets101: WebSocket[] = [];

beforeAll(async () => {
  http = createServer();
  sockets = new WebSocketServer({
    server: http,
    maxPayload: 64 << 20,
    perMessageDeflate: { threshold: 0 },
    verifyClient: (info, done) => (info.req.url === '/no' ? done(false, 403, 'not for you') : done(true)),
  });
  sockets.on('connection', (socket, request) => {
    sockets101.push(socket);
    socket.on('message', (data, binary) => socket.send(data, { binary }));
    if (request.url === '/bye') socket.close(4001, 'see you');
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  plane = await startDataPlane({ pods: [{ name: 'db-0', port: (http.address() as AddressInfo).port }] });
});
afterAll(async () => {
  sockets.close();
  http.closeAllConnections();
  http.close();
  await plane.close();
});

function open(path = '/', options: { perMessageDeflate?: boolean } = {}): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${plane.port}${path}`, {
    maxPayload: 64 << 20,
    perMessageDeflate: false,
    ...options,
  });
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
  });
}

const message = (socket: WebSocket): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    socket.once('message', (data) => resolve(data as Buffer));
    socket.once('close', () => reject(new Error('closed')));
  });

const closed = (socket: WebSocket): Promise<{ code: number; reason: string }> =>
  new Promise((resolve) =>
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  );

const sha = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

it.each([false, true])('16 MiB in one message, compressed %s', async (perMessageDeflate) => {
  const socket = await open('/', { perMessageDeflate });
  expect(socket.extensions !== '').toBe(perMessageDeflate);
  const data = perMessageDeflate ? Buffer.alloc(16 << 20, 'headroute ') : randomBytes(16 << 20);
  socket.send(data);
  expect(sha(await message(socket))).toBe(sha(data));
  socket.close(1000);
  expect((await closed(socket)).code).toBe(1000);
});

it('fragmented: a message in 1,000 pieces, a ping between them', async () => {
  const socket = await open();
  const pieces = Array.from({ length: 1000 }, (_, n) => Buffer.from(`piece ${n},`));
  const ponged = new Promise((resolve) => socket.once('pong', resolve));
  for (const [n, piece] of pieces.entries()) {
    socket.send(piece, { fin: n === pieces.length - 1 });
    if (n === 500) socket.ping('are you there');
  }
  expect((await message(socket)).equals(Buffer.concat(pieces))).toBe(true);
  await ponged;
  socket.close();
  await closed(socket);
});

it('text and binary, empty messages, many small ones in order', async () => {
  const socket = await open();
  const got: string[] = [];
  socket.on('message', (data, binary) => got.push(`${binary}:${(data as Buffer).toString()}`));
  for (let i = 0; i < 500; i++) socket.send(i % 2 === 0 ? `t${i}` : Buffer.from(`b${i}`));
  socket.send('');
  await new Promise<void>((resolve) => socket.on('message', () => got.length >= 501 && resolve()));
  expect(got.slice(0, 3)).toEqual(['false:t0', 'true:b1', 'false:t2']);
  expect(got[500]).toBe('false:');
  socket.terminate();
});

it('the server closes with code and reason', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${plane.port}/bye`);
  expect(await closed(socket)).toEqual({ code: 4001, reason: 'see you' });
});

it('the client closes with code and reason, and the server learns them', async () => {
  const socket = await open();
  const there = closed(sockets101.at(-1)!);
  socket.close(4002, 'done');
  expect(await there).toEqual({ code: 4002, reason: 'done' });
});

it('a client that vanishes ends the server’s socket', async () => {
  const socket = await open();
  const there = closed(sockets101.at(-1)!);
  socket.terminate();
  expect((await there).code).toBe(1006);
});

it('refusal with a body reaches the client', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${plane.port}/no`);
  const [status, body] = await new Promise<[number, string]>((resolve) => {
    socket.once('unexpected-response', (_, response) => {
      let text = '';
      response.on('data', (data) => {
        text += data;
      });
      response.on('end', () => resolve([response.statusCode!, text]));
    });
    socket.on('error', () => {});
  });
  expect([status, body]).toEqual([403, 'not for you']);
});

it('100 sockets at once', async () => {
  const all = await Promise.all(Array.from({ length: 100 }, () => open()));
  const answers = await Promise.all(
    all.map((socket, n) => {
      socket.send(`me ${n}`);
      return message(socket);
    }),
  );
  expect(answers.map(String)).toEqual(all.map((_, n) => `me ${n}`));
  for (const socket of all) socket.close();
  await Promise.all(all.map(closed));
});
