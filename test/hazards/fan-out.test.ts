/**
 * The wire of a fan-out: who waits for 100 gets it from this hop, and HEAD is told no length that nobody knows.
 *
 * Story: a proxy that reads a body before it asks anybody keeps a client that waits for 100 Continue until both give up; a
 * chunked HEAD answer became `Content-Length: 0`, which caches believe.
 * Sources: RFC 9110 sections 8.6, 9.3.2, 10.1.1; nginx-tests http_expect_100_continue.t. Siblings of F25, F26, R06.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { PodConnection, PodScript } from '../helpers/raw-pod.ts';
import {
  expectCanonical,
  expectProblem,
  expectUnharmed,
  lines,
  type Scene,
  scene,
} from '../helpers/scene.ts';
import { pause, poll } from '../helpers/waiting.ts';
import { fieldNames, value } from '../helpers/wire.ts';

type Respond = 'First' | 'Quorum' | 'All' | 'Merge';

function fanOut(respond: Respond, script: PodScript = {}): Promise<Scene> {
  const merge = respond === 'Merge' ? ({ type: 'JSONLines' } as const) : null;
  const plain = { type: 'FanOut', over: 'All', minSuccess: 1, maxResponseBytes: 1 << 20 } as const;
  return scene({
    scripts: [script, script],
    rules: [{ selection: { ...plain, respond, merge, allowUnsafe: true } }],
  });
}

const expecting = (...fields: string[]): string =>
  lines('POST /x HTTP/1.1', 'Host: a', 'Expect: 100-continue', ...fields);

describe('F25 Expect: 100-continue', () => {
  it.each([
    ['Content-Length', 'Content-Length: 5', 'hello'],
    ['chunked', 'Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n'],
  ])('%s: 100 before any Pod is asked, then the body goes to each', async (_, framing, body) => {
    const stage = await fanOut('First');
    const client = await stage.client();
    client.send(expecting(framing));
    expect((await client.message()).line).toBe('HTTP/1.1 100 Continue');
    expect(stage.pods.map((pod) => pod.total)).toEqual([0, 0]);
    const answer = await client.exchange(body, 'POST');
    expect(answer.status).toBe(200);
    for (const pod of stage.pods) expect((await pod.request(1)).body.toString()).toBe('hello');
    expectCanonical(stage.pods);
    await expectUnharmed(client);
  });

  it.each([
    ['the body comes with its head', `${expecting('Content-Length: 5')}hello`],
    ['HTTP/1.0', 'POST /x HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n'],
    ['no body', expecting()],
  ])('%s: no 100', async (name, bytes) => {
    const stage = await fanOut('First');
    const client = await stage.client();
    client.send(bytes);
    if (name === 'HTTP/1.0') {
      await pause(30);
      client.send('hello');
    }
    expect((await client.message()).status).toBe(200);
  });

  it('a body that is too large is refused, not invited', async () => {
    const stage = await fanOut('First');
    const client = await stage.client();
    client.send(expecting('Content-Length: 70000'));
    const answer = await client.message();
    expect(answer.status).toBe(413);
    expect(value(answer, 'x-headroute-sent')).toBe('false');
    expect(await client.closed()).toBe('fin');
    expect(stage.pods.map((pod) => pod.total)).toEqual([0, 0]);
  });
});

describe('R06 HEAD', () => {
  const HEAD = lines('HEAD /x HTTP/1.1', 'Host: a');
  it.each<[Respond, string, string | undefined]>([
    ['First', 'Transfer-Encoding: chunked', undefined],
    ['First', 'X: 1', undefined],
    ['First', 'Content-Length: 7', '7'],
    ['Quorum', 'Transfer-Encoding: chunked', undefined],
    ['Quorum', 'Content-Length: 7', '7'],
    ['All', 'Content-Length: 7', undefined],
    ['Merge', 'Content-Length: 7', undefined],
  ])('%s, the Pods say %s: Content-Length %s', async (respond, field, length) => {
    const stage = await fanOut(respond, {
      onRequest: (c, r) =>
        r.target === '/x' ? c.write(`HTTP/1.1 200 OK\r\n${field}\r\n\r\n`) : c.answer('{}', r),
    });
    const client = await stage.client();
    const answer = await client.exchange(HEAD);
    expect(answer.status).toBe(200);
    expect(value(answer, 'content-length')).toBe(length);
    expect(fieldNames(answer)).not.toContain('transfer-encoding');
    expect((await client.exchange(lines('GET /next HTTP/1.1', 'Host: a'))).status).toBe(200);
  });
});

describe('R09 101 in a fan-out', () => {
  it('is asked for by nobody, and no success', async () => {
    const stage = await fanOut('First', {
      onRequest: (c) => c.write('HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
    });
    const client = await stage.client();
    const ask = lines('GET /x HTTP/1.1', 'Host: a', 'Connection: Upgrade', 'Upgrade: websocket');
    expectProblem(await client.exchange(ask), 'quorum_unmet', true);
    for (const pod of stage.pods) expect(pod.connections[0]!.text).not.toMatch(/upgrade/i);
  });
});

describe('F18 an answer in chunks of one byte', () => {
  it('costs a fan-out its bytes, not an object for each', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const bytes = 500_000;
    const chunks = '1\r\nx\r\n'.repeat(bytes);
    const stage = await fanOut('First', {
      onRequest: (c) => c.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`),
    });
    const client = await stage.client();
    collect();
    const before = process.memoryUsage().heapUsed;
    client.send(lines('GET /x HTTP/1.1', 'Host: a'));
    const { pods } = stage;
    const sockets = (): PodConnection[] => pods.flatMap((pod) => pod.connections);
    const written = (): boolean => sockets().every((c) => c.socket.writableLength === 0);
    await poll(
      () => sockets().length === 2 && sockets()[0]!.socket.bytesWritten > bytes && written(),
      'all to be read',
    );
    await pause(50);
    collect();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(40 * bytes);
    for (const connection of sockets()) connection.write('0\r\n\r\n');
    expect((await client.response()).body.length).toBe(bytes);
  });
});
