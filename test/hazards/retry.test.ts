/**
 * A request is sent again only if it cannot have been executed.
 *
 * Story: a reset on a reused connection was taken for "not executed" and a write was doubled (InsForge/InsForge#1813); a POST
 * was retried with a body that had been consumed (caddyserver/caddy#5454).
 * Sources: RFC 9110 section 9.2.2, RFC 9112 section 9.3.1; nginx-tests proxy_non_idempotent.t; haproxy retry-on; linkerd
 * profiles.rs; SPEC 3 Retrying. Case ids C01–C04 of http-cases.json; R1, R3 of field-cases.md.
 */
import { describe, expect, it } from 'vitest';
import type { PodScript } from '../helpers/raw-pod.ts';
import { expectProblem, expectUnharmed, lines, scene, totalOf } from '../helpers/scene.ts';
import { pause } from '../helpers/waiting.ts';
import { value } from '../helpers/wire.ts';
import { NO_RETRY, thenDies } from './bad-pods.ts';

const POST = `${lines('POST /w HTTP/1.1', 'Host: a', 'Content-Length: 5')}hello`;
const GET = lines('GET /r HTTP/1.1', 'Host: a');
const ok: PodScript = {};

describe('C01, C02 a POST that was written is never sent again', () => {
  for (const how of ['fin', 'reset'] as const)
    for (const used of [0, 1])
      it(`${used === 0 ? 'C01 fresh' : 'C02, R1 reused'} connection, ${how} after reading: 502 upstream_reset, one delivery`, async () => {
        const { pods, plane, client: dial } = await scene({ scripts: [thenDies(used, how), ok] });
        plane.setPods([{ name: 'db-0', port: pods[0]!.port }]);
        const client = await dial();
        if (used === 1) await expectUnharmed(client);
        plane.setPods(pods.map((pod, n) => ({ name: `db-${n}`, port: pod.port })));
        // RoundRobin may begin anywhere: only db-0 counts, so db-1 gets what is not this POST.
        plane.setState('db-1', 'unready');
        const pending = client.exchange(POST);
        await pods[0]!.until((p) => p.requests.some((r) => r.method === 'POST'), 'the POST');
        const answer = await pending;
        expectProblem(answer, 'upstream_reset', true);
        await pause(60);
        expect(pods.flatMap((p) => p.requests).filter((r) => r.method === 'POST').length).toBe(1);
        expect(pods[1]!.total).toBe(0);
      });

  it.each(['PUT', 'DELETE', 'PATCH'])(
    '%s likewise: idempotent by the book is not safe to repeat',
    async (method) => {
      const { pods, client: dial } = await scene({ scripts: [thenDies(0, 'fin'), thenDies(0, 'fin')] });
      const client = await dial();
      const answer = await client.exchange(
        `${lines(`${method} /w HTTP/1.1`, 'Host: a', 'Content-Length: 2')}hi`,
      );
      expectProblem(answer, 'upstream_reset', true);
      expect(pods[0]!.requests.length + pods[1]!.requests.length).toBe(1);
    },
  );

  it('a status in retry.codes does not repeat a POST, but passes it on', async () => {
    const broken: PodScript = {
      onRequest: (c) => c.write('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy'),
    };
    const { pods, client: dial } = await scene({
      scripts: [broken, broken],
      rules: [{ retry: { ...NO_RETRY, attempts: 2, codes: [503] } }],
    });
    const answer = await (await dial()).exchange(POST);
    expect(answer.status).toBe(503);
    expect(answer.body.toString()).toBe('busy');
    expect(value(answer, 'x-headroute-failure')).toBeUndefined();
    expect(pods[0]!.requests.length + pods[1]!.requests.length).toBe(1);
  });
});

describe('C03 a GET may be sent again, to another Pod', () => {
  it.each(['fin', 'reset'] as const)('%s on a reused connection: 200 from the other Pod', async (how) => {
    const { pods, plane, client: dial } = await scene({ scripts: [thenDies(1, how), thenDies(1, how)] });
    const client = await dial();
    await expectUnharmed(client);
    await expectUnharmed(client);
    // Both Pods now have a connection that dies at the next request; both are tried, then a fresh connection.
    const answer = await client.exchange(GET);
    expect(answer.status).toBe(200);
    expect(plane.metric('headroute_retries_total')).toBe(2);
    const deliveries = pods.map((p) => p.requests.filter((r) => r.target === '/r').length);
    expect(deliveries.sort()).toEqual([1, 2]);
  });

  it.each(['GET', 'HEAD', 'OPTIONS'])('%s on a fresh connection: the other Pod answers', async (method) => {
    const { pods, client: dial } = await scene({ scripts: [{ onRequest: (c) => c.reset() }, ok] });
    for (let i = 0; i < 2; i++) {
      const answer = await (await dial()).exchange(lines(`${method} /r HTTP/1.1`, 'Host: a'), method);
      expect(answer.status).toBe(200);
    }
    expect(pods[0]!.requests.length).toBeGreaterThanOrEqual(1);
    expect(pods[1]!.requests.length).toBe(2);
  });

  it('retry.codes: another Pod, and the last answer is passed on when all fail', async () => {
    const code = (text: string): PodScript => ({
      onRequest: (c) => c.write(`HTTP/1.1 503 X\r\nContent-Length: ${text.length}\r\n\r\n${text}`),
    });
    const rules = [{ retry: { ...NO_RETRY, attempts: 2, codes: [503] } }];
    const one = await scene({ scripts: [code('a'), ok], rules });
    for (let i = 0; i < 2; i++) expect((await (await one.client()).exchange(GET)).status).toBe(200);
    const all = await scene({ scripts: [code('a'), code('b')], rules });
    const answer = await (await all.client()).exchange(GET);
    expect(answer.status).toBe(503);
    expect(value(answer, 'x-headroute-failure')).toBeUndefined();
    const n = all.pods.map((p) => p.requests.length);
    expect(n[0]! + n[1]!).toBe(3);
    expect(Math.min(...n)).toBeGreaterThanOrEqual(1);
  });

  it('attempts: 0 never repeats', async () => {
    const { pods, client: dial } = await scene({
      scripts: [thenDies(0, 'fin'), thenDies(0, 'fin')],
      rules: [{ retry: NO_RETRY }],
    });
    expectProblem(await (await dial()).exchange(GET), 'upstream_reset', true);
    expect(pods[0]!.requests.length + pods[1]!.requests.length).toBe(1);
  });

  it('nothing is repeated once a byte of an answer has reached the client', async () => {
    const half: PodScript = {
      onRequest: (c) => {
        c.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
        setTimeout(() => c.end(), 20);
      },
    };
    const { pods, client: dial } = await scene({ scripts: [half, half] });
    const client = await dial();
    client.send(GET);
    await client.closed();
    expect(pods[0]!.requests.length + pods[1]!.requests.length).toBe(1);
  });

  it('what is not HTTP is not asked for again', async () => {
    const noise: PodScript = { onRequest: (c) => c.write('SSH-2.0-x\r\n\r\n') };
    const { pods, client: dial } = await scene({ scripts: [noise, noise] });
    expectProblem(await (await dial()).exchange(GET), 'upstream_protocol', true);
    expect(pods[0]!.requests.length + pods[1]!.requests.length).toBe(1);
  });

  it('the budget bounds retries of many failing requests', async () => {
    const dead: PodScript = { onRequest: (c) => c.reset() };
    const {
      pods,
      plane,
      client: dial,
    } = await scene({
      scripts: [dead, dead],
      rules: [{ retry: { ...NO_RETRY, attempts: 2, budget: { percent: 20, minPerSecond: 3 } } }],
    });
    for (let i = 0; i < 40; i++) await (await dial()).exchange(GET);
    const sent = pods[0]!.requests.length + pods[1]!.requests.length;
    // 40 first attempts, 20 % of them, and 3 a second for the few seconds this may take.
    expect(sent).toBeGreaterThanOrEqual(41);
    expect(sent).toBeLessThanOrEqual(40 + 8 + 12);
    expect(plane.metric('headroute_retries_total')).toBe(sent - 40);
  });
});

describe('C04, R3 connection refused: nothing was sent', () => {
  it.each([
    ['no body', 0],
    ['2 B', 2],
    ['64 KiB', 64 << 10],
    ['2 MiB', 2 << 20],
  ])('a POST with %s goes to the next Pod, every byte once', async (_, size) => {
    const { pods, plane, client: dial } = await scene({ scripts: [ok, ok] });
    pods[0]!.refuse();
    const body = Buffer.alloc(size, 'abcdefgh');
    for (let i = 0; i < 2; i++) {
      const client = await dial();
      const head = lines('POST /w HTTP/1.1', 'Host: a', `Content-Length: ${size}`);
      const answer = await client.exchange(Buffer.concat([Buffer.from(head), body]), 'POST', 8000);
      expect(answer.status).toBe(200);
    }
    expect(pods[0]!.total).toBe(0);
    expect(pods[1]!.requests.map((r) => r.body.equals(body))).toEqual([true, true]);
    expect(plane.outcomes.some((o) => o.kind === 'connect_failed')).toBe(true);
  });

  it('chunked bodies are kept for it as well', async () => {
    const { pods, client: dial } = await scene({ scripts: [ok, ok] });
    pods[0]!.refuse();
    for (let i = 0; i < 2; i++)
      expect(
        (
          await (
            await dial()
          ).exchange(
            `${lines('POST /w HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`,
          )
        ).status,
      ).toBe(200);
    expect(pods[1]!.requests.map((r) => r.body.toString())).toEqual(['hello', 'hello']);
  });

  it('all refuse: 502 connect_failed, sent: false, and the connection stays', async () => {
    const { pods, client: dial } = await scene({ scripts: [ok, ok] });
    for (const pod of pods) pod.refuse();
    const client = await dial();
    expectProblem(await client.exchange(POST), 'connect_failed', false);
    expect(totalOf(pods)).toBe(0);
    await pods[0]!.listen();
    await pods[1]!.listen();
    const next = client.ending === null ? client : await dial();
    await expectUnharmed(next);
  });

  it('a connection that is not accepted in time counts like a refused one', async () => {
    const {
      pods,
      plane,
      client: dial,
    } = await scene({ scripts: [ok, ok], connection: { connectTimeoutMs: 150 } });
    // 192.0.2.0/24 (RFC 5737) leads nowhere; where the network refuses it at once the outcome is the same.
    plane.setPods([
      { name: 'db-0', port: 9, address: '192.0.2.1' },
      { name: 'db-1', port: pods[1]!.port },
    ]);
    for (let i = 0; i < 2; i++) expect((await (await dial()).exchange(POST)).status).toBe(200);
    expect(pods[1]!.requests.length).toBe(2);
    expect(plane.outcomes.some((o) => o.kind === 'connect_failed')).toBe(true);
  });
});
