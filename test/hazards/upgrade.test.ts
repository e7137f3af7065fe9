/**
 * Upgrade handshakes: no byte lost, refusals relayed, h2c never, no process that dies with its client.
 *
 * Story: bytes sent in the same segment as a handshake are lost; a client that vanishes before the 101 kills the process
 * (httpxy #79).
 * Sources: RFC 9110 section 7.8; nginx-tests proxy_upgrade.t, proxy_websocket.t; httpxy ws.test.ts; haproxy
 * protocol_upgrade.vtc; linkerd http11_upgrade_h2_stripped. Case ids U01–U05 of http-cases.json.
 */
import { describe, expect, it } from 'vitest';
import { fieldValues } from '../helpers/raw-pod.ts';
import { expectProblem, expectUnharmed, lines, scene } from '../helpers/scene.ts';
import { poll } from '../helpers/waiting.ts';
import { value } from '../helpers/wire.ts';
import { ASK, echo, opened, SWITCH } from './tunnels.ts';

describe('U01 handshake and first bytes in one segment', () => {
  it('both directions: no byte lost', async () => {
    const { pod, client: dial } = await scene({
      scripts: [
        {
          onRequest: (c) => {
            c.raw = true;
            c.write(`${SWITCH}hello from the Pod`);
          },
        },
      ],
    });
    const client = await dial();
    client.send(`${ASK}first frame`);
    const answer = await client.message();
    expect(answer.status).toBe(101);
    expect(value(answer, 'upgrade')).toBe('websocket');
    expect(value(answer, 'connection')?.toLowerCase()).toBe('upgrade');
    expect(value(answer, 'x-t')).toBe('1');
    await client.until((rest) => rest.toString('latin1') === 'hello from the Pod', 'the Pod’s first bytes');
    await pod.until(
      (p) => p.connections[0]!.text.endsWith('\r\n\r\nfirst frame'),
      'the client’s first bytes',
    );
    const request = pod.connections[0]!.requests[0] ?? pod.requests[0]!;
    expect(fieldValues(request, 'upgrade')).toEqual(['websocket']);
    expect(fieldValues(request, 'connection').join().toLowerCase()).toBe('upgrade');
    expect(fieldValues(request, 'sec-websocket-key')).toEqual(['x']);
  });

  it('300 KiB sent ahead of a late 101: every byte arrives, in order', async () => {
    const early = Buffer.alloc(300 << 10);
    for (let i = 0; i < early.length; i++) early[i] = i % 251;
    const { pod, client: dial } = await scene({
      scripts: [
        {
          onRequest: (c) => {
            c.raw = true;
            setTimeout(() => c.write(SWITCH), 100);
          },
        },
      ],
    });
    const client = await dial();
    client.send(Buffer.concat([Buffer.from(ASK), early]));
    expect((await client.message()).status).toBe(101);
    const headLength = pod.connections[0]!.received.indexOf('\r\n\r\n') + 4;
    await pod.until((p) => p.total >= headLength + early.length, 'all of it');
    const { received } = pod.connections[0]!;
    expect(received.subarray(received.indexOf('\r\n\r\n') + 4).equals(early)).toBe(true);
    client.send('later');
    await pod.until((p) => p.connections[0]!.text.endsWith('later'), 'what comes later');
  });

  it('bytes flow both ways afterwards, byte by byte and in bulk', async () => {
    const stage = await scene({ scripts: [echo] });
    const { client } = await opened(stage);
    for (const byte of 'abc') {
      client.send(byte);
      await client.until((rest) => rest.toString('latin1').endsWith(byte.toUpperCase()), byte);
    }
    const bulk = 'z'.repeat(3 << 20);
    client.send(bulk);
    await client.until((rest) => rest.length === 3 + bulk.length, 'the bulk back', 8000);
  });

  it('pipelined bytes before a refusal are no second request', async () => {
    const { pod, client: dial } = await scene();
    const client = await dial();
    // The Pod answers 200: no tunnel. What the client sent ahead is a request by the book, and is answered as one.
    client.send(`${ASK}GET /next HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect((await client.response()).body.toString()).toBe('/ws');
    await Promise.race([
      client.response().then((r) => expect(r.body.toString()).toBe('/next')),
      client.closed(),
    ]);
    expect(pod.violations).toEqual([]);
  });
});

describe('U02 h2c', () => {
  it.each([
    ['h2c', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__']],
    ['H2C in a list', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: H2C, h2c', 'HTTP2-Settings: x']],
    ['Upgrade without Connection', ['Upgrade: websocket']],
    ['HTTP2-Settings not named', ['Connection: Upgrade', 'Upgrade: h2c', 'HTTP2-Settings: x']],
  ])('%s: stripped, 200', async (_, fields) => {
    const { pod, client: dial } = await scene();
    const client = await dial();
    const answer = await client.exchange(lines('GET /h HTTP/1.1', 'Host: a', ...fields));
    expect(answer.status).toBe(200);
    expect(fieldValues(pod.requests[0]!, 'upgrade')).toEqual([]);
    expect(fieldValues(pod.requests[0]!, 'http2-settings')).toEqual([]);
    expect(fieldValues(pod.requests[0]!, 'connection').join()).not.toMatch(/upgrade/i);
    await expectUnharmed(client);
  });

  it('HTTP/1.0 asks in vain', async () => {
    const { pod, client: dial } = await scene();
    const client = await dial();
    await client.exchange('GET /h HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    expect(fieldValues(pod.requests[0]!, 'upgrade')).toEqual([]);
  });
});

describe('U03 refused handshake', () => {
  it.each(['403 Forbidden', '200 OK', '426 Upgrade Required'])(
    '%s with a body: relayed as it is, both connections usable',
    async (status) => {
      const { pod, client: dial } = await scene({
        scripts: [
          {
            onRequest: (c, r) =>
              r.target === '/ws'
                ? c.write(
                    `HTTP/1.1 ${status}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nno`,
                  )
                : c.answer(r.target, r),
          },
        ],
      });
      const client = await dial();
      const answer = await client.exchange(ASK);
      expect(answer.line).toBe(`HTTP/1.1 ${status}`);
      expect(answer.body.toString()).toBe('no');
      await expectUnharmed(client);
      expect(pod.violations).toEqual([]);
    },
  );

  it('chunked refusal', async () => {
    const { client: dial } = await scene({
      scripts: [
        {
          onRequest: (c, r) =>
            r.target === '/ws'
              ? c.write('HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n')
              : c.answer(r.target, r),
        },
      ],
    });
    const client = await dial();
    expect((await client.exchange(ASK)).body.toString()).toBe('no');
    await expectUnharmed(client);
  });

  it('the Pod closes instead: 502', async () => {
    const { client: dial } = await scene({ scripts: [{ onRequest: (c) => c.end() }] });
    expectProblem(await (await dial()).exchange(ASK), 'upstream_reset', true);
  });
});

describe('U05 the client vanishes', () => {
  it.each(['fin', 'reset'] as const)(
    'before the 101, %s: both sockets closed, the service lives',
    async (how) => {
      const { pod, client: dial } = await scene({
        scripts: [{ onRequest: (c, r) => r.target !== '/ws' && c.answer(r.target, r) }],
      });
      const client = await dial();
      client.send(ASK);
      await pod.request(1);
      if (how === 'fin') client.end();
      else client.reset();
      await pod.connectionOver();
      pod.connections[0]!.write(SWITCH);
      await expectUnharmed(await dial());
    },
  );

  it('in the tunnel: the Pod sees the end', async () => {
    const stage = await scene({ scripts: [echo] });
    const { client, connection } = await opened(stage);
    client.reset();
    await stage.pod.until(() => connection.over, 'the Pod side to end', 1000);
    await poll(() => stage.plane.metric('headroute_requests_in_flight') === 0, 'nothing in flight');
  });
});
