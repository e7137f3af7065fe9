/**
 * Server-sent events whose one side goes away: the other is told at once, while nothing is on its way.
 *
 * Story: the Pod dies and the client waits for events that never come (unjs/httpxy#84, webpack/webpack-dev-server#2769); the
 * client leaves and the Pod streams on (gravitee-io/issues#7093).
 * Case ids B35 and B36 of field-cases.md; siblings of R14 and of what breaks off (docs/life-of-a-request.md).
 */
import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { PodScript } from '../helpers/raw-pod.ts';
import { lines, type Scene, scene } from '../helpers/scene.ts';
import { poll } from '../helpers/waiting.ts';

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n';
const EVENT = 'data: x\n\n';
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n9\r\n${EVENT}\r\n`;
const UNFRAMED = `${HEAD}\r\n${EVENT}`;
const ASK = lines('GET /events HTTP/1.1', 'Host: a', 'Accept: text/event-stream');

/** Sends the head and one event, then nothing more. */
function streaming(start: string): PodScript {
  return { onRequest: (c) => c.write(start) };
}

async function nothingLeft({ plane }: Scene): Promise<void> {
  await poll(
    () =>
      plane.metric('headroute_requests_in_flight') === 0 &&
      plane.metric('headroute_upstream_connections') === 0,
    'nothing in flight',
  );
}

describe('B35 the Pod of an event stream dies', () => {
  it.each([
    ['reset', 'in chunks', CHUNKED, 'fin'],
    ['fin', 'in chunks', CHUNKED, 'fin'],
    ['reset', 'that ends with the connection', UNFRAMED, 'reset'],
  ] as const)(
    'by a %s, a stream %s: the client is closed, and it does not look whole',
    async (how, _, start, ending) => {
      const stage = await scene({ scripts: [streaming(start)] });
      const client = await stage.client();
      client.send(ASK);
      await client.until((rest) => rest.includes(EVENT), 'an event');
      if (how === 'fin') stage.pod.last.end();
      else stage.pod.last.reset();
      expect(await client.closed()).toBe(ending);
      expect(client.rest.toString('latin1')).not.toContain('\r\n0\r\n');
      await nothingLeft(stage);
    },
  );

  it.each(['reset', 'fin'] as const)('by a %s: fetch rejects the body that it reads', async (how) => {
    const stage = await scene({ scripts: [streaming(CHUNKED)] });
    const response = await fetch(stage.plane.url);
    const reader = response.body!.getReader();
    expect(Buffer.from((await reader.read()).value!).toString()).toBe(EVENT);
    if (how === 'fin') stage.pod.last.end();
    else stage.pod.last.reset();
    await expect(reader.read()).rejects.toThrow('terminated');
  });

  it.each(['reset', 'fin'] as const)('by a %s: http says that the answer was aborted', async (how) => {
    const { pod, plane } = await scene({ scripts: [streaming(CHUNKED)] });
    const code = await new Promise((resolve) => {
      const outgoing = request({ host: '127.0.0.1', port: plane.port, agent: false }, (answer) => {
        answer.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
        answer.on('data', () => (how === 'fin' ? pod.last.end() : pod.last.reset()));
      });
      outgoing.end();
    });
    expect(code).toBe('ECONNRESET');
  });
});

describe('B36 the client of an event stream leaves while none comes', () => {
  it.each([
    [
      'fetch that is aborted',
      async ({ plane }: Scene) => {
        const abort = new AbortController();
        const response = await fetch(plane.url, { signal: abort.signal });
        const reader = response.body!.getReader();
        await reader.read();
        abort.abort();
        await reader.read().catch(() => {});
      },
    ],
    [
      'http.request that is destroyed',
      ({ plane }: Scene) =>
        new Promise<void>((resolve) => {
          const outgoing = request({ host: '127.0.0.1', port: plane.port, agent: false }, (answer) => {
            answer.on('error', () => {}).once('data', () => outgoing.destroy());
          });
          outgoing.on('error', () => {}).on('close', () => resolve());
          outgoing.end();
        }),
    ],
    [
      'curl that is stopped (a close without unread bytes: FIN)',
      async ({ client: dial }: Scene) => {
        const client = await dial();
        client.send(ASK);
        await client.until((rest) => rest.includes(EVENT), 'an event');
        client.destroy();
      },
    ],
  ])('%s: the Pod’s connection ends, nothing is in flight', async (_, leave) => {
    const stage = await scene({ scripts: [streaming(CHUNKED)] });
    await leave(stage);
    await stage.pod.connectionOver();
    await nothingLeft(stage);
    expect(stage.plane.metric('headroute_request_failures_total', 'client_gone')).toBe(1);
    expect(stage.plane.outcomes.filter(({ kind }) => kind === 'failed')).toEqual([]);
  });
});
