/**
 * What a fan-out asks the Pods, and what it says of those that failed or disagreed.
 *
 * Story: a race among gateways called 304 a failure and answered Bad Gateway; a quorum of three that all differed was told
 * "3 of 3 Pods succeeded"; a condition on one Pod's validator, sent on to all, made a merged answer of none.
 * Sources: storacha/w3link#22, cloudant/bigcouch#10; RFC 9110 sections 13, 14.2 and 15.4.5. Cases B9, B15.
 */
import { describe, expect, it } from 'vitest';
import type { PodConnection, PodScript } from '../helpers/raw-pod.ts';
import { expectProblem, expectUnharmed, lines, type Scene, scene } from '../helpers/scene.ts';
import { values } from '../helpers/wire.ts';

type Respond = 'First' | 'Quorum' | 'All' | 'Merge';

function fanOut(respond: Respond, scripts: readonly PodScript[]): Promise<Scene> {
  const merge = respond === 'Merge' ? ({ type: 'JSONLines' } as const) : null;
  const plain = { type: 'FanOut', over: 'All', maxResponseBytes: 1 << 20, allowUnsafe: false } as const;
  return scene({ scripts, rules: [{ selection: { ...plain, respond, merge, minSuccess: null } }] });
}

const answers = (body: string): PodScript => ({ onRequest: (c, r) => c.answer(body, r) });
const says = (line: string, fields = ''): PodScript => ({
  onRequest: (c) => c.write(`HTTP/1.1 ${line}\r\n${fields}\r\n`),
});
const ERROR = says('500 X', 'Content-Length: 0\r\n');
const SILENT: PodScript = { onRequest: () => {} };
const PARTIAL = 'x-headroute-partial';

/** Answers as a Pod whose entity has the tag "one". */
const TAGGED: PodScript = {
  onRequest(connection: PodConnection, request) {
    if (!values(request, 'if-none-match').includes('"one"'))
      connection.answer(request.target, request, 'ETag: "one"\r\n');
    else connection.write('HTTP/1.1 304 Not Modified\r\nETag: "one"\r\nCache-Control: max-age=9\r\n\r\n');
  },
};

describe('B9 a 304 where the client asked whether its copy is still good', () => {
  it.each<[Respond, string]>([
    ['First', 'GET'],
    ['First', 'HEAD'],
    ['Quorum', 'GET'],
    ['Quorum', 'HEAD'],
  ])('%s, %s: is passed on with its validators and no body', async (respond, method) => {
    const stage = await fanOut(respond, [TAGGED, TAGGED, TAGGED]);
    const client = await stage.client();
    const first = await client.exchange(lines('GET /x HTTP/1.1', 'Host: a'));
    const [etag] = values(first, 'etag');
    const ask = lines(`${method} /x HTTP/1.1`, 'Host: a', `If-None-Match: ${etag}`);
    const answer = await client.exchange(ask, method);
    expect(answer.status).toBe(304);
    expect(values(answer, 'etag')).toEqual(['"one"']);
    expect(values(answer, 'cache-control')).toEqual(['max-age=9']);
    expect(values(answer, PARTIAL)).toEqual([]);
    await expectUnharmed(client, '/next');
  });

  it('If-Modified-Since asks for it too', async () => {
    const stage = await fanOut('First', [says('304 X'), says('304 X')]);
    const since = 'If-Modified-Since: Tue, 01 Jul 2025 00:00:00 GMT';
    const answer = await (await stage.client()).exchange(lines('GET /x HTTP/1.1', 'Host: a', since));
    expect(answer.status).toBe(304);
  });

  it('is no success where nobody asked for it', async () => {
    const stage = await fanOut('First', [says('304 X'), says('304 X')]);
    const answer = await (await stage.client()).exchange(lines('GET /x HTTP/1.1', 'Host: a'));
    expectProblem(answer, 'quorum_unmet', true);
  });
});

describe('conditions and ranges', () => {
  const CONDITIONS = [
    'If-None-Match: "one"',
    'If-Modified-Since: Tue, 01 Jul 2025 00:00:00 GMT',
    'If-Match: "one"',
    'If-Unmodified-Since: Tue, 01 Jul 2025 00:00:00 GMT',
    'If-Range: "one"',
    'Range: bytes=0-1',
  ];
  const named = CONDITIONS.map((line) => line.slice(0, line.indexOf(':')).toLowerCase());
  const ask = lines('GET /x HTTP/1.1', 'Host: a', ...CONDITIONS, 'X-Kept: 1');

  async function seenBy(respond: Respond): Promise<string[]> {
    const stage = await fanOut(respond, [answers('{}')]);
    expect((await (await stage.client()).exchange(ask)).status).toBe(200);
    const [request] = stage.pod.requests;
    expect(values(request!, 'x-kept')).toEqual(['1']);
    return named.filter((name) => values(request!, name).length > 0);
  }

  it.each<Respond>(['All', 'Merge'])('%s sends none on', async (respond) => {
    expect(await seenBy(respond)).toEqual([]);
  });

  it.each<Respond>(['First', 'Quorum'])('%s sends all on', async (respond) => {
    expect(await seenBy(respond)).toEqual(named);
  });
});

describe('X-Headroute-Partial of one Pod\u2019s answer', () => {
  /** So that what failed has failed before. */
  const AFTER_ERROR: PodScript = {
    onRequest: (c, r) => void setTimeout(() => c.answer('same', r, 'X-Headroute-Partial: eu-1\r\n'), 30),
  };

  it('First: names the Pods that had failed, and those that the Pod itself missed', async () => {
    const stage = await fanOut('First', [ERROR, AFTER_ERROR, SILENT]);
    const answer = await (await stage.client()).exchange(lines('GET /x HTTP/1.1', 'Host: a'));
    expect(answer.body.toString()).toBe('same');
    expect(values(answer, PARTIAL)).toEqual(['db-0, eu-1']);
  });

  it('Quorum: the same', async () => {
    const stage = await fanOut('Quorum', [ERROR, AFTER_ERROR, AFTER_ERROR]);
    const answer = await (await stage.client()).exchange(lines('GET /x HTTP/1.1', 'Host: a'));
    expect(answer.body.toString()).toBe('same');
    expect(values(answer, PARTIAL)).toEqual(['db-0, eu-1']);
  });

  it.each<Respond>(['First', 'Quorum'])('%s: is not there when none failed', async (respond) => {
    const stage = await fanOut(respond, [answers('a'), answers('a'), answers('a')]);
    const answer = await (await stage.client()).exchange(lines('GET /x HTTP/1.1', 'Host: a'));
    expect(answer.status).toBe(200);
    expect(values(answer, PARTIAL)).toEqual([]);
  });
});

describe('B15 a quorum that disagrees', () => {
  it('is told that no two Pods agree', async () => {
    const stage = await fanOut('Quorum', [answers('a'), answers('b'), answers('c')]);
    const answer = await (await stage.client()).exchange(lines('GET /x HTTP/1.1', 'Host: a'));
    expectProblem(answer, 'quorum_unmet', true);
    expect(JSON.parse(answer.body.toString()).detail).toBe('3 Pods answered, no 2 agree, 2 needed');
  });
});
