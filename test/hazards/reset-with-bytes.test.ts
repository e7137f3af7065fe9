/**
 * A Pod that says something and resets in the same moment: libuv reports bytes and then an end where the kernel saw a RST, so an
 * answer that ends with its connection looks whole though its Pod died in it.
 *
 * Sources: RFC 9112 sections 6.3 (rule 8), 8; libuv src/unix/stream.c, uv__stream_io (POLLHUP after a partial read); SPEC 6
 * promise 2. Siblings of R01, R02, U06.
 */
import { describe, expect, it } from 'vitest';
import { lines, scene } from '../helpers/scene.ts';
import { poll } from '../helpers/waiting.ts';
import { badPod } from './bad-pods.ts';
import { ASK, SWITCH } from './tunnels.ts';

const PLAIN = 'HTTP/1.1 200 OK\r\n\r\nsome';
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n';

describe('bytes and a RST at once', () => {
  it.each([
    ['that ends with the connection', PLAIN, '1.1'],
    ['that ends with the connection, of an HTTP/1.0 Pod', PLAIN.replace('1.1', '1.0'), '1.1'],
    ['in chunks, to HTTP/1.0', CHUNKED, '1.0'],
  ])('an answer %s: never looks whole, never counted as one', async (_, answer, version) => {
    const { plane, client: dial } = await badPod((c) => {
      c.write(answer);
      c.reset();
    });
    const client = await dial();
    client.send(lines(`GET /bad HTTP/${version}`, 'Host: a'));
    expect(await client.closed()).toBe('reset');
    expect(plane.outcomes.map((o) => o.kind)).toEqual(['failed']);
    expect(plane.metric('headroute_upstream_requests_total', 'ok')).toBe(0);
    expect(plane.metric('headroute_upstream_requests_total', 'reset')).toBe(1);
    expect(plane.metric('headroute_request_failures_total', 'upstream_reset')).toBe(1);
  });

  it('and with a FIN it is whole', async () => {
    const { plane, client: dial } = await badPod((c) => c.end(PLAIN));
    const client = await dial();
    expect((await client.exchange(lines('GET /bad HTTP/1.1', 'Host: a'))).body.toString()).toBe('some');
    expect(await client.closed()).toBe('fin');
    expect(plane.metric('headroute_upstream_requests_total', 'ok')).toBe(1);
  });

  it('a fan-out counts it as failed', async () => {
    const selection = {
      type: 'FanOut',
      over: 'All',
      respond: 'All',
      minSuccess: 1,
      merge: null,
      maxResponseBytes: 1 << 20,
      allowUnsafe: false,
    } as const;
    const dies = (c: { write(text: string): void; reset(): void }): void => {
      c.write(PLAIN);
      c.reset();
    };
    const { client: dial } = await scene({ scripts: [{ onRequest: dies }, {}], rules: [{ selection }] });
    const answer = await (await dial()).exchange(lines('GET /all HTTP/1.1', 'Host: a'));
    expect(JSON.parse(answer.body.toString())).toMatchObject({ succeeded: 1, failed: 1 });
  });

  it('a tunnel passes it on as a reset', async () => {
    const { plane, client: dial } = await badPod((c) => {
      c.raw = true;
      c.write(`${SWITCH}some`);
      c.reset();
    });
    const client = await dial();
    client.send(ASK.replace('/ws', '/bad'));
    await poll(() => client.ending, 'the end');
    expect([client.ending, client.rest.toString('latin1').endsWith('\r\n\r\nsome')]).toEqual(['reset', true]);
    await poll(() => plane.metric('headroute_upstream_connections') === 0, 'nothing to be left');
  });
});
