import { afterEach, describe, expect, it } from 'vitest';
import {
  bufferFor,
  giveBack,
  largeBytesOut,
  letGo,
  SMALL_BUFFER,
  takeBuffer,
} from '../../../src/data/forward/read-buffers.ts';
import { lines, scene } from '../../helpers/scene.ts';
import { poll } from '../../helpers/waiting.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const HUGE = bufferFor(MIB);

describe('what is read into', () => {
  const taken: Buffer[] = [];
  const take = (bodyBytes: number): number => {
    taken.push(takeBuffer(bufferFor(bodyBytes)));
    return taken.at(-1)!.length;
  };
  afterEach(() => {
    for (const buffer of taken.splice(0)) giveBack(buffer);
  });

  it('is as large as the body is worth', () => {
    expect([0, 16 * KIB, 40 * KIB, 64 * KIB, 65 * KIB].map(take)).toEqual(
      [20, 20, 64, 64, 256].map((size) => size * KIB),
    );
  });

  it('is smaller when large buffers have taken up their share, and large again when they are back', () => {
    const sizes = Array.from({ length: 1000 }, () => take(MIB));
    expect(sizes.slice(0, 64)).toEqual(Array(64).fill(256 * KIB));
    expect(sizes.slice(64, 320)).toEqual(Array(256).fill(64 * KIB));
    expect(sizes.slice(320)).toEqual(Array(680).fill(SMALL_BUFFER));
    expect(largeBytesOut()).toBe(32 * MIB);
    for (const [n, buffer] of taken.splice(0).entries()) n % 2 === 0 ? giveBack(buffer) : letGo(buffer);
    expect(largeBytesOut()).toBe(0);
    expect(take(MIB)).toBe(HUGE);
  });

  it('of which a view may be left is not taken again', () => {
    const spare = takeBuffer(HUGE);
    letGo(spare);
    const next = Array.from({ length: 100 }, () => takeBuffer(HUGE));
    expect(next.includes(spare)).toBe(false);
    for (const buffer of next) letGo(buffer);
  });
});

/** Answers `/N` with a body of N bytes, another letter each time; what follows a `-` is how it ends early. */
async function bodies() {
  let letter = 0x41;
  return scene({
    scripts: [
      {
        onRequest: (c, { target }) => {
          const [size, ending] = target.slice(1).split('-');
          const framing = ending === 'close' ? 'Connection: close' : `Content-Length: ${size}`;
          c.write(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`);
          const bytes = ending === 'part' || ending === 'reset' ? Number(size) / 2 : Number(size);
          c.write(Buffer.alloc(bytes, letter++));
          if (ending === 'reset') setImmediate(() => c.reset());
          if (ending === 'part' || ending === 'close') c.end();
        },
      },
    ],
  });
}

describe('large buffers come back', () => {
  const backSoon = async (): Promise<void> => {
    await poll(() => largeBytesOut() === 0, 'all large buffers to be back');
  };

  it.each([
    ['a whole answer', '/4000000', 'read'],
    ['an answer until the connection ends', '/4000000-close', 'read'],
    ['a Pod that ends too early', '/4000000-part', 'read'],
    ['a Pod that resets', '/4000000-reset', 'read'],
    ['a client that reads late', '/16000000', 'late'],
    ['a client that resets', '/16000000', 'reset'],
    ['a client that ends its connection', '/16000000', 'end'],
    // Small enough that the Pod is done while the client still has all of it to read.
    ['a client that reads the last piece late', '/300000', 'late'],
  ])('after %s', async (_, target, client) => {
    const { client: dial, pod } = await bodies();
    const crowd = await Promise.all(Array.from({ length: 20 }, () => dial()));
    for (const one of crowd) {
      if (client !== 'read') one.socket.pause();
      one.send(lines(`GET ${target} HTTP/1.1`, 'Host: a'));
    }
    await poll(() => pod.requests.length === 20, 'all have asked');
    if (client === 'late' && target === '/16000000')
      await poll(() => largeBytesOut() >= 20 * HUGE, 'large buffers to be out');
    for (const one of crowd) {
      if (client === 'late') one.socket.resume();
      else if (client === 'reset') one.reset();
      else if (client === 'end') one.socket.destroy();
    }
    if (client === 'reset' || client === 'end') return backSoon();
    const breaksOff = target.endsWith('-part') || target.endsWith('-reset');
    if (breaksOff) await Promise.all(crowd.map((one) => one.closed()));
    else await poll(() => crowd.every((one) => one.rest.length > 290_000), 'answers', 10_000);
    await backSoon();
    for (const { rest } of crowd) {
      const body = rest.subarray(rest.indexOf('\r\n\r\n') + 4);
      expect(body.equals(Buffer.alloc(body.length, body[0]))).toBe(true);
    }
  });
});
