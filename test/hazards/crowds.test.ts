/**
 * Crowds: new clients beside busy ones, many at once, and more than can be answered.
 *
 * Story: libuv accepts one connection in a turn of the loop (libuv/libuv#3696). Where busy clients made a turn long, new ones waited
 * for seconds (1,000 of them: 4.9 s, 17 without an answer). Past its capacity a sidecar answered everything too late, and so nothing
 * at all; refusing what waited for too long leaves the rest in time (RFC 8289). Case ids N01–N05.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type PlaneOptions, startDataPlane, type TestPlane } from '../helpers/data-plane.ts';
import { poll } from '../helpers/waiting.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const REQUEST = 'GET / HTTP/1.1\r\nHost: db\r\n\r\n';

/** Matches nothing that is asked for here. */
const NOWHERE = {
  path: { type: 'Exact' as const, value: '/nowhere' },
  methods: [],
  headers: [],
  queryParams: [],
};

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
    connection: { maxPerPod: 10_000, connectTimeoutMs: 20_000 },
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
    // By one a turn, with all of the busy ones in it, it were over nine thousand.
    expect(answersMeanwhile).toBeLessThan(6000);
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

/** Makes each turn of the loop, and so each accept, take so long. @returns ends it */
function slowTurns(ms: number): () => void {
  let on = true;
  const turn = (): void => {
    stall(ms);
    if (on) setImmediate(turn);
  };
  turn();
  return () => {
    on = false;
  };
}

describe('N04 more requests than can be begun', () => {
  it('those that waited for too long are refused at once', async () => {
    // What is begun needs no Pod: its own turns would come between.
    await start(() => {}, { rules: [{ matches: [NOWHERE] }] });
    const refused: string[] = [];
    const crowd: Socket[] = [];
    while (crowd.length < 1500)
      crowd.push(
        ...(await clients(100, (text, socket) => {
          if (text.startsWith('HTTP/1.1 404')) socket.write(REQUEST);
          else refused.push(text);
        })),
      );
    await poll(() => plane.metric('headroute_connections') === 1500, 'all are in', 20_000);
    const end = slowTurns(150);
    for (const socket of crowd) socket.write(REQUEST);
    await poll(() => refused.length > 0, 'some are refused', 20_000);
    end();
    expect(refused[0]).toMatch(/^HTTP\/1\.1 503 /);
    expect(refused[0]).toContain(
      'X-Headroute-Failure: overloaded\r\nX-Headroute-Sent: false\r\nRetry-After: 1\r\nConnection: close\r\n',
    );
  });
});

describe('N05 new clients faster than they can be accepted', () => {
  /** How many of 400 clients of another process the kernel takes while this one's loop stands still. */
  function takenByKernel(): number {
    const script = `
      let connected = 0;
      for (let n = 0; n < 400; n++)
        require('node:net').connect(${plane.port}, '127.0.0.1', () => connected++).on('error', () => {});
      setTimeout(() => { console.log(connected); process.exit(); }, 700);`;
    return Number(spawnSync(process.execPath, ['-e', script], { timeout: 10_000 }).stdout.toString());
  }

  const delay = (): number => plane.metric('headroute_accept_delay_seconds');

  it('the gauge tells how long they wait, and that nobody does any more', async () => {
    await start((socket) => socket.write(OK));
    const end = slowTurns(2);
    const crowd = clients(300, () => {});
    await poll(() => delay() > 0.1, 'the delay is told', 20_000);
    end();
    await crowd;
    await poll(() => delay() === 0, 'nobody waits', 20_000);
  }, 60_000);

  it('the kernel takes only so many more as can be accepted soon', async () => {
    await start((socket) => socket.write(OK));
    // So slow that 1,000 wait for longer than is asked for, however quick the machine is.
    const end = slowTurns(6);
    void clients(1000, () => {});
    await poll(() => delay() > 0.5, 'they wait for half a second', 20_000);
    await poll(() => plane.metric('headroute_connections') > 0 && delay() > 1.2, 'and longer', 20_000);
    const taken = takenByKernel();
    end();
    expect(taken).toBeLessThan(400);
  }, 60_000);

  it('and all of a crowd where nobody had to wait', async () => {
    await start((socket) => socket.write(OK));
    expect(takenByKernel()).toBe(400);
  });
});
