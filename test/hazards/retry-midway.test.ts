/**
 * Attempts that end in the middle of something: what may be sent again arrives whole, and once; what may not is told so.
 *
 * Story: a retry that sent only the rest of a body, bytes meant for a tunnel sent to a Pod that refused it, a write repeated
 * after its 100 Continue.
 * Sources: RFC 9110 sections 9.2.2, 10.1.1; RFC 9112 section 9.3.1; caddyserver/caddy#5454; haproxy reg-tests
 * http_retries; envoy retry tests ("100-continue then reset"). Siblings of C01–C03, F25, R08, R3, L5, U01.
 */
import { describe, expect, it } from 'vitest';
import { leaderSelection } from '../helpers/data-plane.ts';
import type { PodScript } from '../helpers/raw-pod.ts';
import {
  expectCanonical,
  expectProblem,
  expectUnharmed,
  lines,
  type Scene,
  scene,
} from '../helpers/scene.ts';
import { ASK, SWITCH } from './tunnels.ts';

const CHUNKED = 'Transfer-Encoding: chunked';
const ask = (method: string, ...fields: string[]): string =>
  lines(`${method} /x HTTP/1.1`, 'Host: a', ...fields);

/** Two Pods, of which the first is picked first; the second answers properly unless `second` says how. */
function pair(first: PodScript, second: PodScript = {}): Promise<Scene> {
  const retry = { attempts: 2, codes: [503], backoffMs: 1, budget: null };
  return scene({ scripts: [first, second], rules: [{ retry }], random: () => 0 });
}

describe('C03, R3 a request that may be sent again, given up half-way', () => {
  it.each<[string, PodScript, string[], string]>([
    ['a body half here, then a reset', { onHead: (c) => c.reset() }, ['Content-Length: 5'], 'he|llo'],
    [
      'chunks half here, then a reset',
      { onHead: (c) => c.reset() },
      [CHUNKED],
      '2\r\nhe\r\n|3\r\nllo\r\n0\r\n\r\n',
    ],
    [
      'a status of retry.codes before the body is whole',
      { onHead: (c) => c.write('HTTP/1.1 503 X\r\nContent-Length: 4\r\n\r\nbusy') },
      ['Content-Length: 5'],
      'he|llo',
    ],
    [
      '100 Continue, then a reset',
      {
        onHead: (c) => {
          c.write('HTTP/1.1 100 Continue\r\n\r\n');
          setTimeout(() => c.reset(), 10);
        },
      },
      ['Content-Length: 5', 'Expect: 100-continue'],
      '|hello',
    ],
    ['a head that breaks off', { onHead: (c) => c.end('HTTP/1.1 200 OK\r\nConte') }, [], '|'],
    ['a status line that breaks off', { onHead: (c) => c.end('HTTP/1.1 2') }, [], '|'],
  ])('%s: the other Pod gets all of it, the client one answer', async (_, first, fields, body) => {
    const [here, later] = body.split('|');
    const stage = await pair(first);
    const client = await stage.client();
    client.send(ask('GET', ...fields) + here);
    await stage.pods[0]!.connectionOver();
    client.send(later!);
    const answer = await client.response();
    expect(answer.body.toString()).toBe('/x');
    const request = await stage.pods[1]!.request(1);
    expect(request.body.toString()).toBe(fields.length === 0 ? '' : 'hello');
    expectCanonical([stage.pods[1]!]);
    expect(stage.pods[0]!.connections.length).toBe(1);
    await expectUnharmed(client);
    expect(client.rest.length).toBe(0);
  });

  it('103, then a reset: both interim answers may show, one final', async () => {
    const hints = 'HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n';
    const stage = await pair({
      onRequest: (c) => {
        c.write(hints);
        setTimeout(() => c.reset(), 10);
      },
    });
    const client = await stage.client();
    client.send(ask('GET'));
    expect((await client.message()).status).toBe(103);
    expect((await client.message()).body.toString()).toBe('/x');
    await expectUnharmed(client);
  });
});

describe('C01 a write that may not', () => {
  it.each<[string, PodScript]>([
    ['closes before 100', { onHead: (c) => c.end() }],
    [
      'resets after 100',
      {
        onHead: (c) => {
          c.write('HTTP/1.1 100 Continue\r\n\r\n');
          setTimeout(() => c.reset(), 10);
        },
      },
    ],
    ['breaks off its head', { onHead: (c) => c.end('HTTP/1.1 200 OK\r\nConte') }],
  ])('Expect: 100-continue and the Pod %s: 502, sent, nobody else asked', async (_, first) => {
    const stage = await pair(first);
    const client = await stage.client();
    client.send(ask('POST', 'Expect: 100-continue', 'Content-Length: 5'));
    expectProblem(await client.response('POST'), 'upstream_reset', true);
    expect(await client.closed()).toBe('fin');
    expect(stage.pods[1]!.total).toBe(0);
  });
});

describe('U01 an upgrade tried twice', () => {
  it.each<[string, PodScript]>([
    ['resets', { onRequest: (c) => c.reset() }],
    [
      'answers 503',
      {
        onRequest: (c) => {
          c.raw = true;
          c.write('HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n');
        },
      },
    ],
  ])('the first Pod %s: bytes sent ahead go to the one that agreed', async (_, first) => {
    const agrees: PodScript = {
      onRequest: (c) => {
        c.raw = true;
        c.write(`${SWITCH}hello`);
      },
    };
    const stage = await pair(first, agrees);
    const client = await stage.client();
    client.send(`${ASK}frame`);
    expect((await client.message()).status).toBe(101);
    await client.until((rest) => rest.toString('latin1') === 'hello', 'the first bytes');
    await stage.pods[1]!.until((p) => p.connections[0]!.text.endsWith('\r\n\r\nframe'), 'the frame');
    expect(stage.pods[0]!.connections[0]!.text).not.toContain('frame');
  });
});

describe('L5 a write that the leader turns away half-way', () => {
  const LEARN = [{ status: [421], location: false, header: null }];
  const NOT_ME = 'HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n';
  const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

  function led(first: PodScript, second: PodScript): Promise<Scene> {
    const selection = leaderSelection({ hold: { timeoutMs: 5000 } });
    return scene({ scripts: [first, second], leader: 'db-0', learn: LEARN, rules: [{ selection }] });
  }

  it.each<[string, PodScript, PodScript, boolean]>([
    ['before the body', { onHead: (c) => c.write(NOT_ME) }, { onHead: (c) => c.write(CONTINUE) }, false],
    [
      'after 100 and the body',
      { onHead: (c) => c.write(CONTINUE), onRequest: (c) => c.write(NOT_ME) },
      {},
      true,
    ],
    [
      'with an answer that never ends',
      {
        onHead: (c) => c.write(CONTINUE),
        onRequest: (c) => c.write('HTTP/1.1 421 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n'),
      },
      {},
      true,
    ],
  ])('%s: the next leader gets all of it once', async (_, first, second, bodyFirst) => {
    const stage = await led(first, { ...second, onRequest: (c, r) => c.answer(r.target, r) });
    const client = await stage.client();
    client.send(ask('POST', 'Expect: 100-continue', 'Content-Length: 5'));
    if (bodyFirst) {
      expect((await client.message()).status).toBe(100);
      client.send('hello');
    }
    await stage.pods[0]!.connectionOver();
    stage.plane.setLeader('db-1');
    if (!bodyFirst) {
      expect((await client.message()).status).toBe(100);
      client.send('hello');
    }
    expect((await client.response('POST')).body.toString()).toBe('/x');
    expect((await stage.pods[1]!.request(1)).body.toString()).toBe('hello');
    expect(stage.pods[1]!.requests.length).toBe(1);
    await expectUnharmed(client);
  });

  it('demoted between its 100 and the body: 502, sent, no byte of the body to anyone', async () => {
    const stage = await led({ onHead: (c) => c.write(CONTINUE) }, {});
    const client = await stage.client();
    client.send(ask('POST', 'Expect: 100-continue', 'Content-Length: 5'));
    expect((await client.message()).status).toBe(100);
    stage.plane.setLeader('db-1');
    expectProblem(await client.response('POST'), 'upstream_reset', true);
    client.send('hello');
    expect(await client.closed()).toBe('fin');
    expect(stage.pods[0]!.connections[0]!.text).not.toContain('hello');
    expect(stage.pods[1]!.total).toBe(0);
  });
});
