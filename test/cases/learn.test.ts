import { request as httpRequest } from 'node:http';
import { expect } from 'vitest';
import { status } from './support/answers.ts';
import type { CasePod } from './support/case-pod.ts';
import { type Scenario, scenario } from './support/scenario.ts';
import { LEADER_RULE, rule } from './support/sidecar-config.ts';

// B7 (linkerd/linkerd2#11669: retries go to the very Pod that refuses): what a `learn` answer turned away waits for another Pod,
// or for the same one with a higher term or after it had stopped claiming; at most `retry.attempts` sends follow (SPEC 3, Retrying).

const LEARN = [{ status: 421 }];
/** A machine that stalls must not end a claim, which would begin another reign. */
const STEADY = { failureThreshold: 50 };
const BODY = 'x'.repeat(60 * 1024);
const holding = (timeout: string) => [
  { ...LEADER_RULE, selection: { type: 'Leader', hold: { timeout } }, retry: { attempts: 2 } },
];

/** `pod` leads and says of every write that it does not. */
async function contrary(scene: Scenario, pod: CasePod, term?: string): Promise<void> {
  pod.claim = term === undefined ? {} : { term };
  await scene.untilLeader(pod.name);
  pod.answer = status(421);
}

/** That many more rounds of leader probes have reached the Pod. */
async function rounds(pod: CasePod, count: number): Promise<void> {
  const before = pod.leaderProbes.length;
  await pod.changes.until(() => pod.leaderProbes.length >= before + count, `${count} rounds`);
}

scenario(
  'B7 a leader that claims on and turns a write of 60 KB away gets it once in the whole hold, which ends with sent: true',
  { pods: 2, leader: { learn: LEARN, probe: STEADY }, rules: holding('3s') },
  async (scene) => {
    const { db0, db1 } = scene;
    await contrary(scene, db0);
    const seen = await scene.write('/w', BODY);
    expect(db0.got('/w')).toHaveLength(1);
    expect(db1.byteCount).toBe(0);
    expect(seen).toMatchObject({ status: 503, failure: 'hold_timeout' });
    expect(seen.headers['x-headroute-sent']).toBe('true');
    expect(JSON.parse(seen.body)).toMatchObject({ sent: true, failure: 'hold_timeout' });
    expect(JSON.parse(seen.body).detail).toContain('db-0 answered this request that it does not lead');
  },
);

scenario(
  'B7 twenty writers of 60 KB meet that leader: twenty sends',
  { pods: 2, leader: { learn: LEARN, probe: STEADY }, rules: holding('1500ms') },
  async (scene) => {
    await contrary(scene, scene.db0);
    const seen = await Promise.all(Array.from({ length: 20 }, (_, n) => scene.write(`/w-${n}`, BODY)));
    expect(seen.map(({ failure }) => failure)).toEqual(Array(20).fill('hold_timeout'));
    expect(scene.log('/w-')).toHaveLength(20);
  },
);

scenario(
  'B7 a leader whose term grows with each write that it turns away gets it three times: retry.attempts follow the first',
  { pods: 2, leader: { learn: LEARN, probe: { ...STEADY, term: { json: '/term' } } }, rules: holding('2s') },
  async (scene) => {
    const { db0 } = scene;
    let term = 1;
    await contrary(scene, db0, '1');
    db0.answer = (...args) => {
      db0.claim = { term: String(++term) };
      status(421)(...args);
    };
    const seen = await scene.write('/w', BODY);
    expect(db0.got('/w')).toHaveLength(3);
    expect(seen).toMatchObject({ status: 503, failure: 'hold_timeout' });
    expect(JSON.parse(seen.body).detail).toContain('retry.attempts');
  },
);

scenario(
  'B7 the same Pod gets the write again with a higher term',
  { pods: 2, leader: { learn: LEARN, probe: { ...STEADY, term: { json: '/term' } } }, rules: holding('10s') },
  async (scene) => {
    const { db0 } = scene;
    await contrary(scene, db0, '4');
    const write = scene.write('/w');
    await scene.heldCount(1);
    await rounds(db0, 3);
    expect(db0.got('/w')).toHaveLength(1);
    db0.answer = status(200, {}, 'db-0');
    db0.claim = { term: '5' };
    expect(await write).toMatchObject({ status: 200, body: 'db-0' });
    expect(db0.got('/w')).toHaveLength(2);
  },
);

scenario(
  'B7 the same Pod gets the write again once it had stopped claiming',
  { pods: 2, leader: { learn: LEARN, probe: STEADY }, rules: holding('10s') },
  async (scene) => {
    const { db0 } = scene;
    await contrary(scene, db0);
    const write = scene.write('/w');
    await scene.heldCount(1);
    db0.answer = status(200, {}, 'db-0');
    await rounds(db0, 3);
    expect(db0.got('/w')).toHaveLength(1);
    db0.claim = false;
    await scene.until(({ leadership }) => leadership.state === 'none', 'nobody claims');
    db0.claim = {};
    expect(await write).toMatchObject({ status: 200, body: 'db-0' });
    expect(db0.got('/w')).toHaveLength(2);
  },
);

scenario(
  'B7 a conflict that passes does not bring the write back to the Pod that turned it away and claimed all the time',
  { pods: 2, leader: { learn: LEARN, probe: STEADY }, rules: holding('10s') },
  async (scene) => {
    const { db0, db1 } = scene;
    await contrary(scene, db0);
    const write = scene.write('/w');
    await scene.heldCount(1);
    db1.claim = {};
    await scene.until(({ leadership }) => leadership.state === 'conflict', 'conflict');
    db1.claim = false;
    await scene.untilLeader('db-0');
    await rounds(db0, 3);
    expect(db0.got('/w')).toHaveLength(1);
    db0.claim = false;
    db1.claim = {};
    expect(await write).toMatchObject({ status: 200, body: 'db-1' });
    expect(db0.got('/w')).toHaveLength(1);
  },
);

scenario(
  'B7 a connection that the leader refuses is tried again after each round: nothing was sent',
  { pods: 2, leader: { learn: LEARN, probe: STEADY }, rules: holding('10s') },
  async (scene) => {
    const { db0 } = scene;
    db0.claim = {};
    await scene.untilLeader('db-0');
    await db0.killData();
    const write = scene.write('/w');
    await scene.heldCount(1);
    await rounds(db0, 3);
    await db0.restart();
    expect(await write).toMatchObject({ status: 200, body: 'db-0' });
    expect(db0.got('/w')).toHaveLength(1);
  },
);

scenario(
  'B7 retry.codes with one fast failing Pod of three: nobody sees a failure, each retry goes to another Pod',
  {
    leader: null,
    rules: [rule({ type: 'Balance' }, { retry: { attempts: 2, codes: [503], backoff: '1ms' } })],
  },
  async (scene) => {
    await scene.untilReady('db-0', 'db-1', 'db-2');
    scene.db0.answer = status(503);
    expect(await scene.tally(60)).not.toHaveProperty('503');
    expect(scene.db0.got('/m/').length).toBeGreaterThan(0);
    const paths = scene.db0.got('/m/').map(({ url }) => url);
    expect(new Set(paths).size).toBe(paths.length);
    expect(scene.log('/m/')).toHaveLength(60 + paths.length);
  },
);

scenario(
  'L5 no write byte reaches the Pod that a Location names before that Pod claims itself',
  {
    pods: 2,
    leader: { learn: [{ status: [307, 308], location: true }], probe: STEADY },
    rules: holding('10s'),
  },
  async (scene) => {
    const { db0, db1 } = scene;
    await contrary(scene, db1);
    db1.answer = status(307, { Location: `http://db-0.db.test.svc.cluster.local:${scene.ports.data}/w` });
    const write = scene.write('/w');
    await scene.heldCount(1);
    await rounds(db0, 3);
    expect((await scene.backend()).leadership.leader).toBe('db-1');
    expect(db0.byteCount).toBe(0);
    db1.claim = false;
    await scene.until(({ leadership }) => leadership.state === 'none', 'nobody claims');
    await rounds(db0, 3);
    expect(db0.byteCount).toBe(0);
    db0.claim = {};
    expect(await write).toMatchObject({ status: 200, body: 'db-0' });
  },
);

// aws/aws-sdk-js#3404: its client sends the body on each 'continue', as Node's documentation shows, and fails on the second.
scenario(
  'B8 Node’s client with Expect, its write turned away by one Pod and taken by the next: one 100, a 200',
  { pods: 2, leader: { learn: LEARN, probe: STEADY }, rules: holding('10s') },
  async (scene) => {
    const { db0, db1 } = scene;
    await contrary(scene, db0);
    let continues = 0;
    const answer = new Promise<number>((resolve, reject) => {
      const headers = { Expect: '100-continue', 'Content-Length': 5 };
      const request = httpRequest({ port: scene.port, method: 'POST', path: '/w', headers });
      request.on('continue', () => {
        continues++;
        request.write('hello');
        request.end();
      });
      request.on('response', (response) => response.resume().on('end', () => resolve(response.statusCode!)));
      request.on('error', reject);
      request.flushHeaders();
    });
    await scene.heldCount(1);
    db0.claim = false;
    db1.claim = {};
    expect(await answer).toBe(200);
    expect(continues).toBe(1);
    expect(db1.got('/w').map(({ body }) => body.toString())).toEqual(['hello']);
  },
);
