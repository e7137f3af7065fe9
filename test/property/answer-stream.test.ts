/**
 * Property: whatever a Pod answers, the client gets a well-formed answer, one that is visibly cut, or a problem document;
 * a complete answer is what llhttp reads from the Pod's own bytes; and the next request gets its own answer.
 * Replay as in request-stream.test.ts. Source: issue 11 items 2 and 3; SPEC 6 promise 2.
 */

import { request as httpRequest } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDataPlane, type TestPlane } from '../helpers/data-plane.ts';
import { RawClient } from '../helpers/raw-client.ts';
import { RawPod } from '../helpers/raw-pod.ts';
import { poll } from '../helpers/waiting.ts';
import { readHead, readMessage, statusOf, value } from '../helpers/wire.ts';
import { ANSWERS } from './corpus.ts';
import { cuts, hostileAnswer, pieces } from './mutations.ts';
import { replay } from './replay.ts';

let pod: RawPod;
let plane: TestPlane;
let segments: readonly string[] = [];
beforeAll(async () => {
  pod = await RawPod.start({
    onRequest: (c, r) => {
      if (r.target !== '/hostile') return c.answer(r.target, r, 'Connection: close\r\n');
      // One after the other, then the end: a mutated answer may never be whole.
      const [first, ...more] = segments;
      c.write(first ?? '');
      void (async () => {
        for (const segment of more) {
          await new Promise((resolve) => setImmediate(resolve));
          c.write(segment);
        }
        setTimeout(() => c.end(), 4);
      })();
    },
  });
  plane = await startDataPlane({
    pods: [{ name: 'db-0', port: pod.port }],
    rules: [
      {
        retry: { attempts: 0, codes: [], backoffMs: 1, budget: null },
        timeouts: { requestMs: 0, backendRequestMs: 1000 },
      },
    ],
  });
});
afterAll(async () => {
  pod.close();
  await plane.close();
});

/** llhttp's reading of the same bytes, or null where it refuses them or they end early. */
function llhttp(): Promise<{ status: number; body: string } | null> {
  return new Promise((resolve) => {
    const request = httpRequest(
      { port: pod.port, host: '127.0.0.1', path: '/hostile', agent: false },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (data) => parts.push(data));
        response.on('end', () =>
          resolve({ status: response.statusCode!, body: Buffer.concat(parts).toString('latin1') }),
        );
        response.on('error', () => resolve(null));
      },
    );
    request.on('error', () => resolve(null));
    request.on('upgrade', () => resolve(null));
    request.end();
  });
}

/** The body of a plain, strictly read answer that more bytes follow; null for any other. */
function readWhole(bytes: string): string | null {
  try {
    const raw = Buffer.from(bytes, 'latin1');
    const message = readMessage(raw, 'response', 'GET');
    if (message !== null && statusOf(message) < 200) return null;
    return message === null || message.raw.length === raw.length ? null : message.body.toString('latin1');
  } catch {
    return null;
  }
}

async function check(bytes: string, at: readonly number[]): Promise<void> {
  segments = pieces(bytes, at);
  const client = await RawClient.connect(plane.port);
  client.send('GET /hostile HTTP/1.1\r\nHost: a\r\n\r\n');
  let complete: { status: number; body: string; own: boolean } | null = null;
  let kept = false;
  try {
    const answer = await client.response('GET', 2000);
    complete = {
      status: answer.status,
      body: answer.body.toString('latin1'),
      own: value(answer, 'x-headroute-failure') !== undefined,
    };
    kept = client.ending === null && value(answer, 'connection') !== 'close' && answer.framing !== 'close';
  } catch (error) {
    // Cut: what came must still have begun as a valid head, and the connection must have ended.
    expect(client.ending, String(error)).not.toBeNull();
    const rest = client.rest;
    if (rest.length > 0) {
      let head = readHead(rest, 'response');
      while (head !== null && Number(head.line.slice(9, 12)) < 200) {
        client.taken += head.length;
        head = readHead(client.rest, 'response');
      }
      expect(readMessage(client.rest, 'response', 'GET', false)).toBeNull();
    }
  }
  // node:http takes bytes behind an answer for an error of that answer; headroute gives the answer and drops the connection.
  const whole = readWhole(bytes);
  if (complete !== null && !complete.own && whole !== null) expect(complete.body).toBe(whole);
  else if (complete !== null && !complete.own) {
    const theirs = await llhttp();
    expect(theirs, 'a complete answer that llhttp does not read').not.toBeNull();
    expect({ status: complete.status, body: complete.body }).toEqual(theirs);
  }
  if (kept) {
    // The Pod ends its connection soon; a request sent into that moment would have an unknown outcome.
    await poll(
      () => plane.metric('headroute_upstream_connections', 'idle') === 0,
      'the end of the connection',
    );
    const next = await client.exchange('GET /next HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(next.body.toString()).toBe('/next');
  }
  client.destroy();
  const other = await RawClient.connect(plane.port);
  expect((await other.exchange('GET /other HTTP/1.1\r\nHost: a\r\n\r\n')).body.toString()).toBe('/other');
  other.destroy();
}

it.each(ANSWERS)('corpus: $what', async ({ bytes }) => {
  await check(bytes, []);
});

it('random answers, mutated and split', async () => {
  await fc.assert(fc.asyncProperty(hostileAnswer, cuts, check), { numRuns: 300, ...replay() });
}, 60_000);
