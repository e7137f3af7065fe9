/**
 * Limits and absolute timeouts towards the client: header bombs, slow heads, slow bodies, idle and too many connections.
 *
 * Story: a limit that is reset by every byte is no limit (slowhttptest -H and -B send one byte every few seconds for ever).
 * Sources: RFC 9112 section 3, RFC 6585 section 5; Http11Probe MAL-LONG-URL and MAL-MANY-HEADERS; nginx-tests
 * http_header_buffers.t; slowhttptest; SPEC 2 `limits` and `timeouts`. Case ids L01–L04.
 */
import { describe, expect, it } from 'vitest';
import { expectProblem, expectRefused, expectUnharmed, lines, scene } from '../helpers/scene.ts';
import { loopNowMs, pause, poll } from '../helpers/waiting.ts';
import { value } from '../helpers/wire.ts';

const small = { limits: { headBytes: 2048, headers: 20 } };
const many = (n: number): string[] => Array.from({ length: n }, (_, i) => `X-${i}: ${i}`);

describe('L01 the target alone passes headBytes: 414', () => {
  it.each([
    ['just over', 2100],
    ['far over', 100_000],
  ])('%s', async (_, length) => {
    await expectRefused(
      await scene(small),
      lines(`GET /${'a'.repeat(length)} HTTP/1.1`, 'Host: a'),
      'target_too_long',
    );
  });

  it('without an end in sight: answered before the client has finished the line', async () => {
    const stage = await scene(small);
    await expectRefused(stage, `GET /${'a'.repeat(3000)}`, 'target_too_long');
  });
});

describe('a method longer than any there is: 501, not a head or target that is too long', () => {
  it.each<[string, string[]]>([
    ['without an end, within headBytes', ['G'.repeat(1000)]],
    ['without an end, past headBytes', ['G'.repeat(3000)]],
    [
      'of tens of thousands of letters, then a target',
      [lines(`${'M'.repeat(40_000)} / HTTP/1.1`, 'Host: a')],
    ],
    ['with a target past headBytes', [lines(`${'M'.repeat(65)} /${'a'.repeat(3000)} HTTP/1.1`, 'Host: a')]],
    ['of 65 letters', [lines(`${'M'.repeat(65)} / HTTP/1.1`, 'Host: a')]],
    ['in single bytes', [...'M'.repeat(65)]],
  ])('%s', async (_, pieces) => {
    const { pod, client: dial } = await scene(small);
    const client = await dial();
    await client.sendPieces(pieces);
    const answer = await client.response();
    expect([answer.status, value(answer, 'x-headroute-failure')]).toEqual([501, 'bad_request']);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ status: 501, sent: false });
    expect(await client.closed()).toBe('fin');
    expect(pod.total).toBe(0);
  });

  it('one of 64 letters goes to the Pod', async () => {
    const { pod, client: dial } = await scene(small);
    const method = 'M'.repeat(64);
    expect((await (await dial()).exchange(lines(`${method} / HTTP/1.1`, 'Host: a'))).status).toBe(200);
    expect(pod.requests[0]!.method).toBe(method);
  });
});

describe('L02 head over headBytes or over the number of fields: 431', () => {
  it.each([
    ['one long field', lines('GET / HTTP/1.1', 'Host: a', `X: ${'a'.repeat(2100)}`)],
    ['many short fields', lines('GET / HTTP/1.1', 'Host: a', ...many(300))],
    ['one field too many', lines('GET / HTTP/1.1', 'Host: a', ...many(20))],
    ['never ending', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(3000)}`],
    ['a name without an end', `GET / HTTP/1.1\r\nHost: a\r\n${'a'.repeat(3000)}`],
    ['a body follows', `${lines('POST / HTTP/1.1', 'Host: a', 'Content-Length: 5', ...many(20))}hello`],
  ])('%s', async (_, bytes) => {
    await expectRefused(await scene(small), bytes, 'head_too_large');
  });

  it('in pieces: the sum counts', async () => {
    const { pod, client: dial } = await scene(small);
    const client = await dial();
    await client.sendPieces([
      'GET / HTTP/1.1\r\nHost: a\r\n',
      ...Array.from({ length: 40 }, (_, i) => `X-A: ${String(i).repeat(40)}\r\n`),
    ]);
    expectProblem(await client.response(), 'head_too_large', false);
    expect(await client.closed()).toBe('fin');
    expect(pod.total).toBe(0);
  });

  it('up to the limits it passes, with the defaults: 100 fields, 64 KiB', async () => {
    const { client: dial } = await scene();
    const client = await dial();
    expect((await client.exchange(lines('GET /full HTTP/1.1', 'Host: a', ...many(99)))).status).toBe(200);
    expect(
      (await client.exchange(lines('GET /big HTTP/1.1', 'Host: a', `X: ${'a'.repeat(60_000)}`))).status,
    ).toBe(200);
    await expectUnharmed(client);
  });

  it('a trailer section is bounded like a head', async () => {
    const { pod, client: dial } = await scene(small);
    const client = await dial();
    client.send(
      `${lines('POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked')}0\r\n${many(400).join('\r\n')}\r\n\r\n`,
    );
    const answer = await client.response();
    expectProblem(answer, 'body_invalid', false);
    expect(await client.closed()).toBe('fin');
    expect(pod.requests.length).toBe(0);
  });
});

describe('L03 slow heads: an absolute deadline', () => {
  const slow = { timeouts: { headMs: 250 } };

  it('408 head_timeout although a byte comes again and again', async () => {
    const { pod, client: dial } = await scene(slow);
    const client = await dial();
    const began = performance.now();
    const beganLoop = loopNowMs();
    client.send('GET / HTTP/1.1\r\nHost: a\r\n');
    const drip = setInterval(() => client.send('X'), 20);
    const answer = await client.response();
    clearInterval(drip);
    const took = performance.now() - began;
    const tookLoop = loopNowMs() - beganLoop;
    expectProblem(answer, 'head_timeout', false);
    expect(value(answer, 'connection')).toBe('close');
    expect(await client.closed()).not.toBeNull();
    expect(took).toBeGreaterThan(200);
    expect(tookLoop).toBeLessThan(1500);
    expect(pod.total).toBe(0);
  });

  it('on a kept connection the second head has its own deadline', async () => {
    const { client: dial } = await scene(slow);
    const client = await dial();
    await expectUnharmed(client);
    await pause(300);
    // Idle is not slow: idleMs applies between requests.
    await expectUnharmed(client);
    client.send('GET / HT');
    expectProblem(await client.response(), 'head_timeout', false);
  });

  it('500 such clients do not stop the 501st', async () => {
    const { client: dial, plane } = await scene(slow);
    const clients = await Promise.all(Array.from({ length: 500 }, () => dial()));
    for (const client of clients) client.send('GET / HTTP/1.1\r\nX: ');
    await expectUnharmed(await dial());
    await Promise.all(clients.map((client) => client.closed(5000)));
    await poll(() => plane.metric('headroute_connections') <= 1, 'the slow connections to be gone');
  });
});

describe('L04 slow bodies: a deadline between two reads', () => {
  const slow = { timeouts: { bodyMs: 200 } };
  const head = lines('POST /slow HTTP/1.1', 'Host: a', 'Content-Length: 100000');

  it('408 body_timeout, sent, the upstream connection gone', async () => {
    const { pod, plane, client: dial } = await scene(slow);
    const client = await dial();
    client.send(`${head}some bytes`);
    await pod.until((p) => p.total > 0, 'the first bytes');
    const answer = await client.response('POST');
    expectProblem(answer, 'body_timeout', true);
    expect(await client.closed()).toBe('fin');
    await pod.until((p) => p.last.over, 'the upstream connection to be cut');
    expect(pod.requests.length).toBe(0);
    expect(plane.metric('headroute_upstream_connections', 'active')).toBe(0);
    expect(plane.metric('headroute_requests_in_flight')).toBe(0);
    await expectUnharmed(await dial());
  });

  it('chunked likewise', async () => {
    const { pod, client: dial } = await scene(slow);
    const client = await dial();
    client.send(`${lines('POST /slow HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked')}5\r\nhel`);
    const answer = await client.response('POST');
    expectProblem(answer, 'body_timeout', pod.total > 0);
    expect(pod.requests.length).toBe(0);
  });

  it('a body that keeps coming within bodyMs may take longer than bodyMs', async () => {
    const { pod, client: dial } = await scene({ timeouts: { bodyMs: 2000 } });
    const client = await dial();
    client.send(lines('POST /steady HTTP/1.1', 'Host: a', 'Content-Length: 8'));
    for (let i = 0; i < 8; i++) {
      await pause(300);
      client.send('x');
    }
    expect((await client.response('POST')).status).toBe(200);
    expect(pod.requests[0]!.body.toString()).toBe('xxxxxxxx');
    await expectUnharmed(client);
  });
});

describe('idle and connection limits', () => {
  it('an idle connection is closed after idleMs without an answer', async () => {
    const { client: dial } = await scene({ timeouts: { idleMs: 200 } });
    const client = await dial();
    await expectUnharmed(client);
    const began = loopNowMs();
    expect(await client.closed()).toBe('fin');
    expect(loopNowMs() - began).toBeLessThan(1500);
    expect(client.rest.length).toBe(0);
  });

  it('a connection that never says anything is closed', async () => {
    const { client: dial } = await scene({ timeouts: { idleMs: 200, headMs: 200 } });
    const client = await dial();
    await client.closed();
  });

  it('past limits.connections: 503 overloaded and closed; a place freed is used', async () => {
    const { pod, plane, client: dial } = await scene({ limits: { connections: 2 } });
    const [one, two] = [await dial(), await dial()];
    await expectUnharmed(one);
    await expectUnharmed(two);
    const before = pod.total;
    const three = await dial();
    three.send(lines('GET /3 HTTP/1.1', 'Host: a'));
    const answer = await three.response();
    expectProblem(answer, 'overloaded', false);
    expect(value(answer, 'connection')).toBe('close');
    await three.closed();
    expect(pod.total).toBe(before);
    await expectUnharmed(one);
    two.end();
    await two.closed();
    await poll(() => plane.metric('headroute_connections') === 1, 'the place to be free');
    const four = await dial();
    await expectUnharmed(four);
  });

  it('a flood over the limit leaves the service to those inside', async () => {
    const { client: dial, plane } = await scene({ limits: { connections: 50 } });
    const inside = await dial();
    await expectUnharmed(inside);
    const flood = await Promise.all(Array.from({ length: 200 }, () => dial()));
    await expectUnharmed(inside);
    expect(plane.metric('headroute_connections')).toBeLessThanOrEqual(51);
    for (const client of flood) client.destroy();
    await poll(() => plane.metric('headroute_connections') === 1, 'the flood to be gone');
    await expectUnharmed(await dial());
  });
});
