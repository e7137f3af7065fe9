/**
 * Requests sent ahead: a client cannot make the sidecar keep more of them, or of their answers, than a bound.
 *
 * Story: with each answer a further 64 KiB of pipelined requests was read, and answers went on although the client read
 * none: one client took 1.7 GB in four seconds. A segment of 2,000 requests that no rule matches kept all others waiting.
 * Sources: RFC 9112 section 9.3.2; issue 11 item 6; nodejs/node test/parallel/test-http-pipeline-flood.js. Siblings of F28 of
 * http-cases.json.
 */
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { PodScript } from '../helpers/raw-pod.ts';
import { expectUnharmed, scene } from '../helpers/scene.ts';
import { poll } from '../helpers/waiting.ts';

const REQUESTS = 40_000;
const REQUEST = Buffer.from(`GET /${'p'.repeat(900)} HTTP/1.1\r\nHost: a\r\n\r\n`);
/** What the kernel holds of one connection's bytes in one direction, with room to spare. */
const KERNEL_BYTES = 14 << 20;
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n'.padEnd(1000 + 41, 'x');

/** Answers each request when `due` says so; keeps nothing. */
function counting(due: (answer: () => void) => void): PodScript & { answered: number } {
  const pod = {
    answered: 0,
    onConnect: (c: Parameters<NonNullable<PodScript['onConnect']>>[0]) => {
      c.raw = true;
      c.socket.on('data', (data) => {
        if (data.includes('/unharmed')) c.answer('/unharmed');
        else if (data.includes('\r\n\r\n'))
          due(() => {
            pod.answered++;
            c.write(ANSWER);
          });
      });
    },
  };
  return pod;
}

/** Sends all the requests, as fast as they are taken. @returns how many bytes were */
function flood(socket: Socket): () => number {
  const some = Buffer.concat(Array.from({ length: 50 }, () => REQUEST));
  let blocks = REQUESTS / 50;
  const pump = (): void => {
    while (blocks-- > 0)
      if (!socket.write(some)) {
        socket.once('drain', pump);
        return;
      }
  };
  pump();
  return () => socket.bytesWritten - socket.writableLength;
}

function dial(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** Waits until `count` stands still. */
async function still(count: () => number): Promise<void> {
  let last = -1;
  let times = 0;
  await poll(
    () => {
      times = count() === last ? times + 1 : 0;
      last = count();
      return times > 30;
    },
    'the flood to be held back',
    10_000,
  );
}

describe('F28 requests sent ahead without end', () => {
  const only = {
    path: { type: 'Exact' as const, value: '/unharmed' },
    methods: [],
    headers: [],
    queryParams: [],
  };
  it.each([
    ['answers of its own', [{ matches: [only] }]],
    ['answers of a Pod', [{}]],
  ])('%s that the client does not read: held back, and all answered when it reads', async (_, rules) => {
    const stage = await scene({ scripts: [counting((answer) => answer())], rules });
    const socket = dial(stage.plane.port).pause();
    const taken = flood(socket);
    await still(taken);
    const answered = (): number => stage.plane.metric('headroute_requests_total');
    await still(answered);
    expect(taken()).toBeLessThan(2 * KERNEL_BYTES);
    expect(answered()).toBeLessThan(KERNEL_BYTES / 1000);
    await expectUnharmed(await stage.client());
    socket.resume();
    await poll(() => answered() === REQUESTS + 1, 'all of them to be answered', 20_000);
  });

  it('answers of its own: another client comes before the rest of a flood', async () => {
    const stage = await scene({ rules: [{ matches: [only] }] });
    const [other, flooder] = [await stage.client(), await stage.client()];
    const short = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
    flooder.send(short.repeat(2000));
    await expectUnharmed(other);
    expect(stage.plane.metric('headroute_requests_total')).toBeLessThan(1000);
    await poll(() => stage.plane.metric('headroute_requests_total') === 2001, 'the rest', 10_000);
  });

  it('to a slow Pod: what is read of them does not grow with the answers', async () => {
    const script = counting((answer) => setImmediate(answer));
    const stage = await scene({ scripts: [script] });
    const socket = dial(stage.plane.port).on('data', () => {});
    const taken = flood(socket);
    await poll(() => script.answered >= 400, '400 answers', 10_000);
    expect(taken() - script.answered * REQUEST.length).toBeLessThan(KERNEL_BYTES);
    await expectUnharmed(await stage.client());
  });
});
