import { gunzipSync, gzipSync } from 'node:zlib';
import { expect } from 'vitest';
import type { Answer } from './support/case-pod.ts';
import { type Scenario, scenario } from './support/scenario.ts';
import { type Json, rule } from './support/sidecar-config.ts';

// Composed answers of Pods that compress or give parts: text, or a refusal that names why, never noise.
// kumahq/kuma#5892, agentgateway/agentgateway#621.

function fanOut(name: string, selection: Json): Json {
  const matches = [{ path: { type: 'PathPrefix', value: `/${name}` } }];
  return { ...rule({ type: 'FanOut', over: 'All', ...selection }), name, matches };
}

const RULES = [
  fanOut('all', { respond: 'All' }),
  fanOut('merge', { respond: 'Merge', merge: { type: 'ConcatArrays', pointer: '/hits' } }),
  fanOut('lines', { respond: 'Merge', merge: { type: 'JSONLines' } }),
];

/** Compresses where it is asked to, or always; gives the first bytes where a range is asked for. */
function server(zips: 'if asked' | 'always'): Answer {
  return (request, response, { pod }) => {
    const body = `{"hits":["${pod}"]}`;
    if (request.headers.range !== undefined) {
      response.writeHead(206, { 'Content-Range': `bytes 0-3/${body.length}` }).end(body.slice(0, 4));
      return;
    }
    const zip = zips === 'always' || /gzip/.test(String(request.headers['accept-encoding']));
    response.writeHead(200, {
      'Content-Type': 'application/json',
      ...(zip ? { 'Content-Encoding': 'gzip' } : {}),
    });
    if (request.method === 'HEAD') response.end();
    else response.end(zip ? gzipSync(body) : body);
  };
}

async function start(scene: Scenario, zips: 'if asked' | 'always'): Promise<void> {
  await scene.untilReady('db-0', 'db-1', 'db-2');
  for (const pod of scene.pods) pod.answer = server(zips);
}

const NAMES = ['db-0', 'db-1', 'db-2'];

for (const [what, headers] of [
  ['gzip', { 'Accept-Encoding': 'gzip, deflate, br' }],
  ['a range', { Range: 'bytes=0-3' }],
] as const)
  scenario(
    `B44 a client that asks for ${what} gets composed answers as text, whole`,
    { leader: null, rules: RULES },
    async (scene) => {
      await start(scene, 'if asked');
      const [all, merge, lines] = await Promise.all(
        ['/all', '/merge', '/lines'].map((path) => scene.ask(path, { headers })),
      );
      expect(JSON.parse(all!.body)).toEqual({
        responses: NAMES.map((pod) => ({ pod, status: 200, body: { hits: [pod] } })),
        succeeded: 3,
        failed: 0,
      });
      expect(JSON.parse(merge!.body)).toEqual({ hits: NAMES });
      expect(lines!.body).toBe(NAMES.map((pod) => `{"hits":["${pod}"]}\n`).join(''));
      for (const seen of [all!, merge!, lines!]) {
        expect(seen.status).toBe(200);
        for (const name of ['content-encoding', 'content-range', 'x-headroute-partial'])
          expect(seen.headers).not.toHaveProperty(name);
      }
    },
  );

scenario(
  'B44 Pods that compress unasked: a Merge is refused and says why, All hands on the bytes as they are',
  { leader: null, rules: RULES },
  async (scene) => {
    await start(scene, 'always');
    for (const path of ['/merge', '/lines']) {
      const seen = await scene.ask(path);
      expect(seen).toMatchObject({ status: 502, failure: 'quorum_unmet' });
      expect(JSON.parse(seen.body).detail).toContain('db-1: its body is in gzip');
    }
    const { responses } = JSON.parse((await scene.ask('/all')).body) as {
      responses: { bodyBase64: string }[];
    };
    expect(
      responses.map(({ bodyBase64 }) => gunzipSync(Buffer.from(bodyBase64, 'base64')).toString()),
    ).toEqual(NAMES.map((pod) => `{"hits":["${pod}"]}`));
  },
);

scenario(
  'B44 one Pod of three compresses unasked: the text of the others, and its name as the one that failed',
  { leader: null, rules: RULES },
  async (scene) => {
    await start(scene, 'if asked');
    scene.db1.answer = server('always');
    const merge = await scene.ask('/merge');
    expect(merge).toMatchObject({ status: 200, body: '{"hits":["db-0","db-2"]}' });
    expect(merge.headers['x-headroute-partial']).toBe('db-1');
  },
);

for (const zips of ['if asked', 'always'] as const)
  scenario(
    `B44 HEAD of Pods that compress ${zips} promises no coding`,
    { leader: null, rules: RULES },
    async (scene) => {
      await start(scene, zips);
      for (const path of ['/all', '/merge', '/lines']) {
        const seen = await scene.ask(path, { method: 'HEAD', headers: { 'Accept-Encoding': 'gzip' } });
        expect([path, seen.status, seen.body, seen.headers['content-encoding']]).toEqual([
          path,
          200,
          '',
          undefined,
        ]);
      }
    },
  );
