import { expect } from 'vitest';
import { loopNowMs, pause } from '../helpers/waiting.ts';
import { status } from './support/answers.ts';
import { scenario } from './support/scenario.ts';
import { LEADER_RULE } from './support/sidecar-config.ts';

// Cases L1–L9 of the field over real DNS and real Pods: who leads, and what happens to writes meanwhile.

// autobase-tech/autobase#539
scenario(
  'L1 a Pod whose role API claims while its data port is dead neither leads nor conflicts',
  { pods: 2, backend: { health: { tcpSocket: {}, period: '60ms', timeout: '1s', failureThreshold: 2 } } },
  async (scene) => {
    const { db0, db1 } = scene;
    await db0.killData();
    db0.claim = {};
    await scene.untilPod('db-0', (pod) => pod.claimsLeadership, 'claims');
    const { leadership } = await scene.backend();
    expect(leadership).toMatchObject({ state: 'none', leader: null });
    expect(leadership.reason).toContain('db-0 claims but is unready');
    expect(await scene.explain('POST', '/w')).toContain('claims but is unready');
    const write = scene.write('/w');
    await scene.heldCount(1);
    db1.claim = {};
    expect(await write).toMatchObject({ status: 200, body: 'db-1' });
    expect(db0.byteCount).toBe(0);
    // Still claiming: no conflict either.
    expect(await scene.write('/x')).toMatchObject({ status: 200, body: 'db-1' });
  },
);

// helm/charts#15115, bitnami/charts#2548
scenario(
  'L2 a restarted old master beside the new: no byte to either while both claim',
  { pods: 2 },
  async (scene) => {
    const { db0, db1 } = scene;
    db1.claim = {};
    await scene.untilLeader('db-1');
    expect((await scene.write('/before')).status).toBe(200);
    const before = db1.byteCount;
    db0.claim = {};
    await scene.until(({ leadership }) => leadership.state === 'conflict', 'conflict');
    const writes = [1, 2, 3].map((n) => scene.write(`/during-${n}`));
    await scene.heldCount(3);
    await pause(400);
    expect(db0.byteCount).toBe(0);
    expect(db1.byteCount).toBe(before);
    db0.claim = false;
    for (const seen of await Promise.all(writes)) expect(seen).toMatchObject({ status: 200, body: 'db-1' });
    expect(db0.byteCount).toBe(0);
  },
);

scenario(
  'L2 while both claim a rule that holds nothing says leader_conflict at once',
  { pods: 2, rules: [{ ...LEADER_RULE, selection: { type: 'Leader', hold: { timeout: '0s' } } }] },
  async (scene) => {
    for (const pod of scene.pods) pod.claim = {};
    await scene.until(({ leadership }) => leadership.state === 'conflict', 'conflict');
    const seen = await scene.write('/w');
    expect(seen).toMatchObject({ status: 503, failure: 'leader_conflict' });
    expect(seen.headers['x-headroute-sent']).toBe('false');
    expect(seen.headers['retry-after']).toBeDefined();
    expect(scene.pods.map((pod) => pod.byteCount)).toEqual([0, 0]);
    scene.pods[0]!.claim = false;
    scene.pods[1]!.claim = false;
    await scene.until(({ leadership }) => leadership.state === 'none', 'none');
    expect(await scene.write('/w')).toMatchObject({ status: 503, failure: 'no_leader' });
  },
);

// helm/charts#2527
scenario(
  'L3 a restarted empty master that claims for a moment is not believed with successThreshold',
  { pods: 3, leader: { probe: { successThreshold: 4, failureThreshold: 1 } } },
  async (scene) => {
    const { db0, db1, db2 } = scene;
    db1.claim = {};
    await scene.untilLeader('db-1');
    for (const pod of [db1, db2]) pod.onProbe = (path) => path.startsWith('/leader');
    await scene.until(({ leadership }) => leadership.state === 'none', 'cut off');
    // Claims in its first three answers, then finds out.
    let claims = 0;
    db0.onProbe = (path, response) => {
      if (!path.startsWith('/leader') || claims >= 3) return false;
      claims++;
      response.end('{"role":"leader"}');
      return true;
    };
    const asked = db0.leaderProbes.length;
    const write = scene.write('/w');
    await db0.changes.until(() => db0.leaderProbes.length > asked + 2, 'asked after it has found out');
    expect(claims).toBe(3);
    expect(db0.byteCount).toBe(0);
    for (const pod of [db1, db2]) pod.onProbe = null;
    expect(await write).toMatchObject({ status: 200, body: 'db-1' });
    expect(db0.byteCount).toBe(0);
  },
);

scenario(
  'L3 a restarted empty master with an older term is never believed',
  { pods: 3, leader: { probe: { term: { json: '/term' }, failureThreshold: 1 } } },
  async (scene) => {
    const { db0, db1, db2 } = scene;
    db1.claim = { term: '7' };
    await scene.untilLeader('db-1');
    for (const pod of [db1, db2]) pod.onProbe = (path) => path.startsWith('/leader');
    db0.claim = { term: '6' };
    await scene.until(({ leadership }) => leadership.reason.includes('term 7 was seen'), 'refused by term');
    const write = scene.write('/w');
    await scene.heldCount(1);
    await pause(300);
    expect(db0.byteCount).toBe(0);
    // A claim without the term that is asked for is none.
    db0.claim = {};
    await scene.untilPod('db-0', (pod) => !pod.claimsLeadership, 'does not claim');
    db1.onProbe = null;
    expect(await write).toMatchObject({ status: 200, body: 'db-1' });
    expect(db0.byteCount).toBe(0);
  },
);

scenario(
  'L3 the term that an unready claimant shows was seen: one with an older term gets no byte',
  {
    pods: 2,
    backend: { health: { tcpSocket: {}, period: '60ms', timeout: '1s', failureThreshold: 2 } },
    leader: { probe: { term: { json: '/term' } } },
  },
  async (scene) => {
    const { db0, db1 } = scene;
    await db0.killData();
    db0.claim = { term: '7' };
    await scene.until(({ leadership }) => leadership.reason === 'db-0 claims but is unready', 'db-0 claims');
    db1.claim = { term: '6' };
    await scene.untilReady('db-1');
    const write = scene.write('/w');
    await scene.heldCount(1);
    // The newer one stops claiming: what it showed stays seen.
    db0.claim = false;
    await scene.until(
      ({ leadership }) => leadership.reason.includes('db-1 claims with term 6, but term 7 was seen'),
      'refused by term',
    );
    await pause(200);
    expect([db0.byteCount, db1.byteCount]).toEqual([0, 0]);
    db1.claim = { term: '8' };
    expect(await write).toMatchObject({ status: 200, body: 'db-1' });
  },
);

// hashicorp/vault#8522, #21473
scenario(
  'L4 a step-down after which nobody claims makes no error and keeps the order',
  { pods: 2, leader: { learn: [{ status: 429 }] } },
  async (scene) => {
    const { db0, db1 } = scene;
    db0.claim = {};
    await scene.untilLeader('db-0');
    expect((await scene.write('/0')).body).toBe('db-0');
    db0.answer = status(429);
    const writes = [scene.write('/01')];
    await db0.changes.until(() => db0.got('/01').length > 0, 'the first meets the 429');
    db0.claim = false;
    for (let n = 2; n <= 20; n++) {
      await scene.heldCount(n - 1);
      writes.push(scene.write(`/${String(n).padStart(2, '0')}`));
    }
    await scene.heldCount(20);
    db1.claim = {};
    const seen = await Promise.all(writes);
    expect(seen.map(({ status, body }) => `${status} ${body}`)).toEqual(Array(20).fill('200 db-1'));
    const landed = db1.requests.map(({ url }) => url);
    expect(landed).toEqual([...landed].sort());
    expect(new Set(landed).size).toBe(20);
  },
);

// spring-projects/spring-vault#98
scenario(
  'L5 a 307 for a write of 1 KiB is never seen by the client; the write is delivered once',
  { pods: 2, leader: { learn: [{ status: [307, 308], location: true }] } },
  async (scene) => {
    const { db0, db1 } = scene;
    db1.claim = {};
    await scene.untilLeader('db-1');
    db1.answer = status(307, {
      Location: `http://db-0.${'db.test.svc.cluster.local'}:${scene.ports.data}/w`,
    });
    const body = 'x'.repeat(1024);
    const write = scene.write('/w', body);
    await db1.changes.until(() => db1.got('/w')[0], 'db-1 refuses');
    db1.claim = false;
    db0.claim = {};
    expect(await write).toMatchObject({ status: 200, body: 'db-0' });
    expect(db0.got('/w').map((entry) => entry.body.toString())).toEqual([body]);
    expect(db1.got('/w').length).toBeGreaterThan(0);
  },
);

scenario(
  'L5 a 307 for a write of 1 MiB is passed on and never sent again',
  { pods: 2, leader: { learn: [{ status: [307, 308], location: true }] } },
  async (scene) => {
    const { db0, db1 } = scene;
    db1.claim = {};
    await scene.untilLeader('db-1');
    db1.answer = status(307, { Location: 'http://db-0/w' });
    const seen = await scene.write('/w', 'x'.repeat(1024 * 1024));
    expect(seen.status).toBe(307);
    expect(seen.headers.location).toBe('http://db-0/w');
    db1.claim = false;
    db0.claim = {};
    await scene.untilLeader('db-0');
    expect(db0.byteCount).toBe(0);
    expect(db1.got('/w')).toHaveLength(1);
  },
);

scenario(
  'L5 a Location outside the roster is never contacted, a 421 and a marked 503 mean the same',
  {
    pods: 3,
    rules: [{ ...LEADER_RULE, retry: { attempts: 3 } }],
    leader: {
      probe: { term: { json: '/term' } },
      learn: [
        { status: 307, location: true },
        { status: 421 },
        { status: 503, header: { name: 'X-Not-Leader' } },
      ],
    },
  },
  async (scene) => {
    const { db0, db1, db2 } = scene;
    scene.publish(['db-0', 'db-1']);
    let term = 1;
    db0.claim = { term: '1' };
    await scene.until(
      ({ pods, leadership }) => pods.length === 2 && leadership.leader === 'db-0',
      'two Pods',
    );
    const before = db2.byteCount;
    const answers = [
      status(307, { Location: `http://${db2.ip}:${scene.ports.data}/w` }),
      status(421),
      status(503, { 'X-Not-Leader': 'yes' }),
    ];
    // After each it leads with another term: asked again until it takes the write.
    db0.answer = (...args) => {
      db0.claim = { term: String(++term) };
      (answers.shift() ?? status(200, {}, 'db-0'))(...args);
    };
    expect(await scene.write('/w')).toMatchObject({ status: 200, body: 'db-0' });
    expect(db0.got('/w')).toHaveLength(4);
    // A 503 without the mark is an ordinary answer.
    db0.answer = status(503);
    expect(await scene.write('/y')).toMatchObject({ status: 503, failure: '' });
    expect(db0.got('/y')).toHaveLength(1);
    expect(db2.byteCount).toBe(before);
    expect(db1.byteCount).toBe(0);
  },
);

// vitessio/vitess#12893
scenario(
  'L9 an outage that outlives the hold: each fails at its own timeout, later ones succeed',
  { pods: 2, rules: [{ ...LEADER_RULE, selection: { type: 'Leader', hold: { timeout: '700ms' } } }] },
  async (scene) => {
    await scene.untilReady('db-0', 'db-1');
    const start = loopNowMs();
    const writes: ReturnType<typeof scene.write>[] = [];
    for (let n = 0; loopNowMs() - start < 1100; n++) {
      writes.push(scene.write(`/${n}`));
      await pause(25);
    }
    scene.pods[1]!.claim = {};
    const seen = await Promise.all(writes);
    const failed = seen.filter(({ status }) => status !== 200);
    expect(failed.length).toBeGreaterThan(2);
    expect(seen.length - failed.length).toBeGreaterThan(2);
    for (const { failure, status, sentMs, doneMs, tookLoopMs, body } of failed) {
      expect({ status, failure }).toEqual({ status: 503, failure: 'hold_timeout' });
      expect(JSON.parse(body).detail).toContain('no Pod claims to lead');
      expect(doneMs - sentMs).toBeGreaterThan(680);
      expect(tookLoopMs).toBeLessThan(1100);
    }
    // First come, first failed: all failures are older than all successes.
    expect(seen.slice(0, failed.length).every(({ status }) => status === 503)).toBe(true);
    const landed = scene.log().map(({ url }) => Number(url.slice(1)));
    expect(landed).toEqual([...landed].sort((a, b) => a - b));
    expect(landed).toHaveLength(seen.length - failed.length);
  },
);
