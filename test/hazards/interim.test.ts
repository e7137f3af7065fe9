/**
 * Interim answers: relayed to who understands them, never taken for the final one, never without end.
 *
 * Story: http-proxy-3 and httpxy drop 103 and hang on a 101 that nobody asked for; nginx relays it (R09).
 * Sources: RFC 9110 sections 7.8 and 15.2; nginx-tests proxy_early_hints.t; traefik Test1xxResponses; caddy
 * TestFinalizeResponse_101_NoUpgradeRequest. Case ids R07–R09; B8 of field-cases.md (aws/aws-sdk-js#3404, Mesh-LLM/mesh-llm#70: clients
 * fail on a second 100).
 */
import { describe, expect, it } from 'vitest';
import { leaderSelection } from '../helpers/data-plane.ts';
import type { RawClient } from '../helpers/raw-client.ts';
import type { PodScript } from '../helpers/raw-pod.ts';
import { expectProblem, expectUnharmed, lines, type Scene, scene } from '../helpers/scene.ts';
import { fieldNames, value } from '../helpers/wire.ts';
import { badPod, GET_BAD } from './bad-pods.ts';

describe('R07–R09 interim answers', () => {
  it('R07 103 then 200: both relayed to HTTP/1.1', async () => {
    const stage = await badPod((c, r) => {
      c.write('HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n');
      setTimeout(() => c.answer('done', r), 20);
    });
    const client = await stage.client();
    client.send(GET_BAD);
    const hints = await client.message();
    expect(hints.status).toBe(103);
    expect(value(hints, 'link')).toBe('</a>; rel=preload');
    expect((await client.message()).body.toString()).toBe('done');
    await expectUnharmed(client);
  });

  it('R07 several interim answers in one segment with the final one', async () => {
    const stage = await badPod((c) =>
      c.write(
        'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <b>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      ),
    );
    const client = await stage.client();
    client.send(GET_BAD);
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await client.message()).status);
    expect(statuses).toEqual([102, 103, 103, 200]);
    await expectUnharmed(client);
  });

  it('R07 HTTP/1.0 gets the final answer only', async () => {
    const stage = await badPod((c, r) => {
      c.write('HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n');
      c.answer('done', r);
    });
    const client = await stage.client();
    client.send('GET /bad HTTP/1.0\r\nHost: a\r\n\r\n');
    const answer = await client.message();
    expect(answer.status).toBe(200);
    expect(answer.body.toString()).toBe('done');
  });

  it('R07 hop-by-hop fields are stripped from interim answers', async () => {
    const stage = await badPod((c, r) => {
      c.write(
        'HTTP/1.1 103 Early Hints\r\nConnection: X-Secret\r\nX-Secret: 1\r\nKeep-Alive: x\r\nLink: <a>\r\n\r\n',
      );
      c.answer('done', r);
    });
    const client = await stage.client();
    client.send(GET_BAD);
    const hints = await client.message();
    expect(fieldNames(hints).filter((n) => n === 'x-secret' || n === 'keep-alive')).toEqual([]);
    expect(value(hints, 'link')).toBe('<a>');
  });

  it('R08 103 then the end: 502 after the 103', async () => {
    const stage = await badPod((c) => c.end('HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n'));
    const client = await stage.client();
    client.send(GET_BAD);
    expect((await client.message()).status).toBe(103);
    expectProblem(await client.message(), 'upstream_reset', true);
    await expectUnharmed(client);
  });

  it('R08 interim answers without end are bounded', async () => {
    const stage = await badPod((c) => {
      const flood = (): void => {
        if (!c.closed && c.socket.writable) {
          c.write('HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n'.repeat(100));
          setImmediate(flood);
        }
      };
      flood();
    });
    const client = await stage.client();
    client.send(GET_BAD);
    await stage.pod.connectionOver();
    client.destroy();
    await expectUnharmed(await stage.client());
  });

  it('R09 101 that nobody asked for: 502', async () => {
    const stage = await badPod((c) =>
      c.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nraw'),
    );
    const client = await stage.client();
    expectProblem(await client.exchange(GET_BAD), 'upstream_protocol', true);
    await stage.pod.connectionOver();
    await expectUnharmed(client);
  });

  it('101 to another protocol than was asked for: 502', async () => {
    const stage = await badPod((c) =>
      c.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\nraw'),
    );
    const client = await stage.client();
    const answer = await client.exchange(
      lines('GET /bad HTTP/1.1', 'Host: a', 'Connection: Upgrade', 'Upgrade: websocket'),
    );
    expectProblem(answer, 'upstream_protocol', true);
  });
});

describe('B8 one 100 Continue, over all attempts', () => {
  const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
  const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n';
  const PROCESSING = 'HTTP/1.1 102 Processing\r\n\r\n';
  const ask = (method: string): string =>
    lines(`${method} /x HTTP/1.1`, 'Host: a', 'Expect: 100-continue', 'Content-Length: 5');
  /** Says this at the head, and that once the body is whole. */
  const pod = (interim: string, answer: string): PodScript => ({
    onHead: (c) => c.write(interim),
    onRequest: (c) => c.write(`HTTP/1.1 ${answer}\r\nContent-Length: 0\r\n\r\n`),
  });

  /** Sends the body on the first 100. @returns the statuses in order */
  async function statuses(client: RawClient, method: string): Promise<number[]> {
    client.send(ask(method));
    const seen: number[] = [];
    for (let sent = false; (seen.at(-1) ?? 0) < 200; ) {
      seen.push((await client.message(method)).status);
      if (seen.at(-1) === 100 && !sent) {
        sent = true;
        client.send('hello');
      }
    }
    expect(client.rest.length).toBe(0);
    return seen;
  }

  it('a write that the leader turned away after its 100: the next leader’s is not relayed, 102 and 103 are', async () => {
    const stage = await scene({
      scripts: [
        pod(PROCESSING + CONTINUE, '421 Misdirected Request'),
        pod(HINTS + CONTINUE + HINTS, '200 OK'),
      ],
      leader: 'db-0',
      learn: [{ status: [421], location: false, header: null }],
      rules: [{ selection: leaderSelection() }],
    });
    void stage.pods[0]!.connectionOver().then(() => stage.plane.setLeader('db-1'));
    expect(await statuses(await stage.client(), 'POST')).toEqual([102, 100, 103, 103, 200]);
    expect((await stage.pods[1]!.request(1)).body.toString()).toBe('hello');
  });

  const retried = (first: PodScript): Promise<Scene> =>
    scene({
      scripts: [first, pod(CONTINUE, '200 OK')],
      rules: [{ retry: { attempts: 2, codes: [503], backoffMs: 1, budget: null } }],
      random: () => 0,
    });

  it('a status of retry.codes after the 100', async () => {
    const stage = await retried(pod(CONTINUE, '503 Busy'));
    expect(await statuses(await stage.client(), 'GET')).toEqual([100, 200]);
  });

  it('a reset after the 100', async () => {
    const stage = await retried({ onHead: (c) => c.write(CONTINUE), onRequest: (c) => c.reset() });
    expect(await statuses(await stage.client(), 'GET')).toEqual([100, 200]);
  });

  it('a Pod that says it twice', async () => {
    const stage = await scene({ scripts: [pod(CONTINUE + CONTINUE, '200 OK')] });
    expect(await statuses(await stage.client(), 'POST')).toEqual([100, 200]);
  });

  it('a fan-out, which invites the body itself', async () => {
    const selection = { type: 'FanOut', over: 'All', respond: 'First', minSuccess: 1 } as const;
    const stage = await scene({
      scripts: [pod(CONTINUE, '200 OK'), pod(CONTINUE, '200 OK')],
      rules: [{ selection: { ...selection, merge: null, maxResponseBytes: 1024, allowUnsafe: true } }],
    });
    expect(await statuses(await stage.client(), 'POST')).toEqual([100, 200]);
  });

  it('each request of a connection gets its own', async () => {
    const stage = await scene({ scripts: [pod(CONTINUE, '200 OK')] });
    const client = await stage.client();
    expect(await statuses(client, 'POST')).toEqual([100, 200]);
    expect(await statuses(client, 'POST')).toEqual([100, 200]);
  });
});
