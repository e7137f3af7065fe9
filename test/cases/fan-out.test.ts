import { gzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { hang, json, reset, slow, status } from './support/answers.ts';
import { type Scenario, scenario } from './support/scenario.ts';
import { type Json, rule } from './support/sidecar-config.ts';

// One request to many Pods (SPEC 3, Fan-out) over real DNS and Pods.

const MERGE = { type: 'ConcatArrays', pointer: '/hits' };

function fanOut(selection: Json, more: Json = {}): Json {
  return rule(
    { type: 'FanOut', over: 'All', ...selection },
    { timeouts: { backendRequest: '700ms' }, ...more },
  );
}

/** A Pod that hangs is waited for as long as it is waited for at all. */
const UNLIMITED: Json = { timeouts: {} };

async function allReady(scene: Scenario): Promise<void> {
  await scene.untilReady('db-0', 'db-1', 'db-2');
  for (const pod of scene.pods) pod.answer = json({ hits: [pod.name] });
}

// thanos-io/thanos#1453, #835
for (const respond of ['All', 'Merge'] as const)
  scenario(
    `P1 a hanging store costs its own part only (${respond})`,
    {
      leader: null,
      rules: [fanOut({ respond, minSuccess: 2, ...(respond === 'Merge' ? { merge: MERGE } : {}) })],
    },
    async (scene) => {
      await allReady(scene);
      scene.db2.answer = hang;
      const seen = await scene.ask('/search');
      expect(seen.status).toBe(200);
      expect(seen.doneMs - seen.sentMs).toBeGreaterThan(600);
      expect(seen.tookLoopMs).toBeLessThan(700 + 2500);
      expect(seen.headers['x-headroute-partial']).toBe('db-2');
      expect(seen.headers['cache-control']).toBe('no-store');
      expect(JSON.parse(seen.body)).toEqual(
        respond === 'Merge'
          ? { hits: ['db-0', 'db-1'] }
          : {
              responses: [
                { pod: 'db-0', status: 200, body: { hits: ['db-0'] } },
                { pod: 'db-1', status: 200, body: { hits: ['db-1'] } },
              ],
              succeeded: 2,
              failed: 1,
            },
      );
      // The hanging Pod is let go of.
      await scene.db2.changes.until(() => scene.db2.requests[0]?.aborted, 'cancelled');
      // One that stops amid its answer, and one that resets: the same.
      scene.db2.answer = (_request, response) =>
        void response.writeHead(200, { 'Content-Length': 100 }).write('[');
      expect((await scene.ask('/stops')).headers['x-headroute-partial']).toBe('db-2');
      scene.db2.answer = reset;
      const torn = await scene.ask('/resets');
      expect(torn.status).toBe(200);
      expect(torn.headers['x-headroute-partial']).toBe('db-2');
      scene.db1.answer = status(500);
      const few = await scene.ask('/two-fail');
      expect(few).toMatchObject({ status: 502, failure: 'quorum_unmet' });
      expect(few.headers['x-headroute-sent']).toBe('true');
      expect(JSON.parse(few.body).detail).toContain('1 of 3 Pods succeeded, 2 needed');
    },
  );

// thanos-io/thanos#622
scenario(
  'P2 a merged answer carries no validator or freshness of a Pod, a partial one is no-store',
  { leader: null, rules: [fanOut({ respond: 'Merge', merge: MERGE })] },
  async (scene) => {
    await allReady(scene);
    const cached = {
      'Cache-Control': 'max-age=3600',
      ETag: '"one"',
      'Last-Modified': 'Tue, 01 Jul 2025 00:00:00 GMT',
      Expires: 'Fri, 01 Jul 2033 00:00:00 GMT',
      Age: '7',
      'Set-Cookie': 'a=b',
      'Content-MD5': 'x',
    };
    for (const pod of scene.pods) pod.answer = json({ hits: [pod.name] }, cached);
    const whole = await scene.ask('/search');
    expect(JSON.parse(whole.body)).toEqual({ hits: ['db-0', 'db-1', 'db-2'] });
    for (const name of Object.keys(cached)) expect(whole.headers).not.toHaveProperty(name.toLowerCase());
    expect(whole.headers).not.toHaveProperty('x-headroute-partial');
    scene.db1.answer = status(404, cached);
    const partial = await scene.ask('/search');
    expect(JSON.parse(partial.body)).toEqual({ hits: ['db-0', 'db-2'] });
    expect(partial.headers['cache-control']).toBe('no-store');
    expect(partial.headers['x-headroute-partial']).toBe('db-1');
    for (const name of ['etag', 'last-modified', 'expires', 'age'])
      expect(partial.headers).not.toHaveProperty(name);
    // A Pod that is a headroute itself may have named others.
    scene.db0.answer = json({ hits: [] }, { 'X-Headroute-Partial': 'es-4' });
    expect(
      String((await scene.ask('/search')).headers['x-headroute-partial'])
        .split(', ')
        .sort(),
    ).toEqual(['db-1', 'es-4']);
  },
);

scenario(
  'First: the first success wins and the others are cancelled',
  { leader: null, rules: [fanOut({ respond: 'First' }, UNLIMITED)] },
  async (scene) => {
    await allReady(scene);
    scene.db0.answer = status(500);
    scene.db1.answer = slow(60, json('winner', { ETag: '"kept"' }));
    scene.db2.answer = hang;
    const seen = await scene.ask('/first');
    expect(seen).toMatchObject({ status: 200, body: '"winner"' });
    expect(seen.headers.etag).toBe('"kept"');
    await scene.db2.changes.until(() => scene.db2.requests[0]!.aborted, 'the slow one is cancelled');
    for (const pod of scene.pods) pod.answer = status(503);
    expect(await scene.ask('/none')).toMatchObject({ status: 502, failure: 'quorum_unmet' });
  },
);

scenario(
  'Quorum: what a majority agrees on, by status and body; without agreement quorum_unmet',
  { leader: null, rules: [fanOut({ respond: 'Quorum' }, UNLIMITED)] },
  async (scene) => {
    await allReady(scene);
    for (const pod of scene.pods) pod.answer = status(200, {}, 'agreed');
    scene.db0.answer = status(200, {}, 'stale');
    expect(await scene.ask('/agree')).toMatchObject({ status: 200, body: 'agreed' });
    // Known as soon as two agree: the hanging one is not waited for.
    scene.db0.answer = hang;
    const early = await scene.ask('/early');
    expect(early).toMatchObject({ status: 200, body: 'agreed' });
    scene.db0.answer = status(200, {}, 'a');
    scene.db1.answer = status(200, {}, 'b');
    expect(await scene.ask('/split')).toMatchObject({ status: 502, failure: 'quorum_unmet' });
    scene.db1.answer = status(201, {}, 'agreed');
    expect(await scene.ask('/status-differs')).toMatchObject({ status: 502, failure: 'quorum_unmet' });
    // Two errors that agree are no success.
    scene.db1.answer = status(404, {}, 'no');
    scene.db0.answer = status(404, {}, 'no');
    expect(await scene.ask('/errors-agree')).toMatchObject({ status: 502, failure: 'quorum_unmet' });
  },
);

scenario(
  'Unsafe methods: 405 and nothing sent; with allowUnsafe every Pod gets the body once',
  {
    leader: null,
    rules: [
      {
        ...fanOut({ respond: 'All', allowUnsafe: true }),
        name: 'flush',
        matches: [{ path: { type: 'PathPrefix', value: '/flush' } }],
      },
      fanOut({ respond: 'All' }),
    ],
  },
  async (scene) => {
    await allReady(scene);
    const refused = await scene.write('/search', 'body');
    expect(refused).toMatchObject({ status: 405, failure: 'method_not_allowed' });
    expect(refused.headers['x-headroute-sent']).toBe('false');
    expect(refused.headers.allow).toBe('GET, HEAD, OPTIONS, TRACE');
    expect(scene.log()).toEqual([]);
    const body = 'x'.repeat(64 * 1024);
    expect((await scene.write('/flush', body)).status).toBe(200);
    expect(scene.pods.map((pod) => pod.got('/flush').map((entry) => entry.body.toString() === body))).toEqual(
      [[true], [true], [true]],
    );
    const large = await scene.write('/flush/large', `${body}x`);
    expect(large).toMatchObject({ status: 413, failure: 'bad_request' });
    expect(large.headers['x-headroute-sent']).toBe('false');
    expect(scene.log('/flush/large')).toEqual([]);
  },
);

scenario(
  'HEAD, answers past maxResponseBytes, coded and binary answers',
  {
    leader: null,
    rules: [
      {
        ...fanOut({ respond: 'Merge', merge: MERGE, maxResponseBytes: 2000 }),
        name: 'merge',
        matches: [{ path: { type: 'PathPrefix', value: '/merge' } }],
      },
      fanOut({ respond: 'All', maxResponseBytes: 2000 }),
    ],
  },
  async (scene) => {
    await allReady(scene);
    const head = await scene.ask('/head', { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, body: '' });
    expect(scene.log('/head').map(({ method }) => method)).toEqual(['HEAD', 'HEAD', 'HEAD']);
    expect((await scene.ask('/merge/head', { method: 'HEAD' })).status).toBe(200);
    scene.db0.answer = json({ hits: ['x'.repeat(3000)] });
    scene.db1.answer = status(200, { 'Content-Encoding': 'gzip', 'Content-Type': 'application/json' }, '');
    const packed = gzipSync('{"hits":["packed"]}');
    scene.db1.answer = (_request, response) =>
      void response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(packed);
    scene.db2.answer = (_request, response) => void response.end(Buffer.from([0xff, 0x00, 0xfe]));
    const all = await scene.ask('/all', { headers: { 'Accept-Encoding': 'gzip', Range: 'bytes=0-1' } });
    expect(all.headers['x-headroute-partial']).toBe('db-0');
    expect(JSON.parse(all.body)).toEqual({
      responses: [
        { pod: 'db-1', status: 200, bodyBase64: packed.toString('base64') },
        { pod: 'db-2', status: 200, bodyBase64: '/wD+' },
      ],
      succeeded: 2,
      failed: 1,
    });
    for (const { headers } of scene.log('/all')) {
      expect(headers).not.toHaveProperty('accept-encoding');
      expect(headers).not.toHaveProperty('range');
    }
    scene.db2.answer = json({ hits: ['db-2'] });
    const merged = await scene.ask('/merge');
    expect(JSON.parse(merged.body)).toEqual({ hits: ['db-2'] });
    expect(merged.headers['x-headroute-partial']).toBe('db-0, db-1');
  },
);

scenario(
  'Followers: the leader is not asked, nor an unready Pod; nobody left is no_endpoint',
  { rules: [fanOut({ over: 'Followers', respond: 'All' })] },
  async (scene) => {
    scene.db0.claim = {};
    await scene.untilLeader('db-0');
    await allReady(scene);
    const pods = async (): Promise<unknown> =>
      JSON.parse((await scene.ask('/f')).body).responses.map(({ pod }: { pod: string }) => pod);
    expect(await pods()).toEqual(['db-1', 'db-2']);
    scene.db2.healthy = false;
    await scene.untilPod('db-2', ({ state }) => state === 'unready', 'unready');
    const seen = await scene.ask('/g');
    expect(JSON.parse(seen.body)).toMatchObject({ succeeded: 1, failed: 0 });
    expect(scene.db2.got('/g')).toEqual([]);
    scene.db1.healthy = false;
    await scene.untilPod('db-1', ({ state }) => state === 'unready', 'unready');
    expect(await scene.ask('/h')).toMatchObject({ status: 503, failure: 'no_endpoint' });
    expect(scene.db0.byteCount).toBe(0);
  },
);

scenario(
  'JSONLines: one line a Pod, in the order of the ordinals',
  { leader: null, rules: [fanOut({ respond: 'Merge', merge: { type: 'JSONLines' } })] },
  async (scene) => {
    await allReady(scene);
    scene.db0.answer = slow(50, json({ n: 0 }));
    scene.db1.answer = status(200, {}, '{"n":1}\n{"n":1.5}\n');
    scene.db2.answer = json({ n: 2 });
    const { body } = await scene.ask('/lines');
    expect(body.trim().split('\n')).toEqual(['{"n":0}', '{"n":1}', '{"n":1.5}', '{"n":2}']);
  },
);
