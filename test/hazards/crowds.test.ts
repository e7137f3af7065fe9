/**
 * Crowds: new clients beside busy ones, many at once, and more than can be answered.
 *
 * Story: libuv accepts one connection in a turn of the loop (libuv/libuv#3696). Where busy clients made a turn long, new ones waited
 * for seconds (1,000 of them: 4.9 s, 17 without an answer). Past its capacity a sidecar answered everything too late, and so nothing
 * at all; refusing what waited for too long leaves the rest in time (RFC 8289). Case ids N01–N04.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type PlaneOptions, startDataPlane, type TestPlane } from '../helpers/data-plane.ts';
import { poll } from '../helpers/waiting.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const REQUEST = 'GET / HTTP/1.1\r\nHost: db\r\n\r\n';

let pod: Server;
let plane: TestPlane;
let sockets: Socket[] = [];

/** @param answer what the Pod does with each request */
async function start(answer: (socket: Socket) => void, options: Partial<PlaneOptions> = {}): Promise<void> {
  pod = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', () => answer(socket));
  }).listen(0, '127.0.0.1');
  await once(pod, 'listening');
  const { port } = pod.address() as { port: number };
  plane = await startDataPlane({
    pods: [{ name: 'db-0', port }],
    connection: { maxPerPod: 10_000 },
    ...options,
  });
}

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await plane.close();
  pod.close();
});

/** Each answer of a client's, until its connection ends. */
async function client(onAnswer: (text: string, socket: Socket) => void): Promise<Socket> {
  const socket = connect({ port: plane.port, host: '127.0.0.1', noDelay: true });
  sockets.push(socket);
  socket.on('error', () => {});
  socket.on('data', (chunk) => onAnswer(chunk.toString('latin1'), socket));
  await once(socket, 'connect');
  return socket;
}

function clients(count: number, onAnswer: (text: string, socket: Socket) => void): Promise<Socket[]> {
  return Promise.all(Array.from({ length: count }, () => client(onAnswer)));
}

/** Stops the event loop of this process, the sidecar's included. */
function stall(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

describe('N01 new clients beside busy ones', () => {
  it('are taken in before the busy ones have got many answers', async () => {
    await start((socket) => socket.write(OK));
    let busyAnswers = 0;
    let answersBefore = 0;
    let answersMeanwhile = -1;
    const busy = await clients(300, (_, socket) => {
      busyAnswers++;
      if (answersMeanwhile < 0 && plane.metric('headroute_connections') === 360)
        answersMeanwhile = busyAnswers - answersBefore;
      socket.write(REQUEST);
    });
    for (const socket of busy) socket.write(REQUEST);
    await poll(() => busyAnswers > 3000, 'the busy ones are busy', 20_000);
    answersBefore = busyAnswers;
    await clients(60, () => {});
    await poll(() => answersMeanwhile >= 0, 'all are taken in', 20_000);
    // By one a turn, with all of the busy ones in it, it were over ten thousand.
    expect(answersMeanwhile).toBeLessThan(3000);
  });
});

describe('N02 many clients at once, with capacity to spare', () => {
  it('are all served', async () => {
    await start((socket) => socket.write(OK));
    const statuses: string[] = [];
    const crowd = await clients(1000, (text) => statuses.push(text.slice(9, 12)));
    for (const socket of crowd) socket.write(REQUEST);
    await poll(() => statuses.length >= 1000, 'all have an answer', 20_000);
    expect(statuses.filter((status) => status !== '200')).toEqual([]);
  });
});

describe('N03 one long stall of the process', () => {
  it('refuses none of the requests that waited through it', async () => {
    let stalled = false;
    await start((socket) => {
      if (!stalled) stall(1500);
      stalled = true;
      socket.write(OK);
    });
    const statuses: string[] = [];
    const crowd = await clients(1000, (text) => statuses.push(text.slice(9, 12)));
    for (const socket of crowd) socket.write(REQUEST);
    await poll(() => statuses.length >= 1000, 'all have an answer', 20_000);
    expect(statuses.filter((status) => status !== '200')).toEqual([]);
  });
});

describe('N04 more requests than can be answered', () => {
  it('those that waited for too long are refused at once, and no Pod has seen them', async () => {
    let reached = 0;
    let working = true;
    await start((socket) => {
      reached++;
      if (working) stall(1);
      socket.write(OK);
    });
    let answered = 0;
    const refused: string[] = [];
    const crowd = await clients(1500, (text, socket) => {
      if (text.startsWith('HTTP/1.1 200')) answered++;
      else refused.push(text);
      if (working && text.startsWith('HTTP/1.1 200')) socket.write(REQUEST);
    });
    for (const socket of crowd) socket.write(REQUEST);
    await poll(() => refused.length >= 50, 'some are refused', 20_000);
    working = false;
    await poll(() => reached <= answered, 'what reached the Pod is answered', 20_000);
    expect(refused[0]).toMatch(/^HTTP\/1\.1 503 /);
    expect(refused[0]).toContain(
      'X-Headroute-Failure: overloaded\r\nX-Headroute-Sent: false\r\nRetry-After: 1\r\n',
    );
    expect(reached).toBe(answered);
  });
});
