import { connect } from 'node:net';
import { expect } from 'vitest';
import { loopNowMs, pause, poll } from '../helpers/waiting.ts';
import type { CasePod } from './support/case-pod.ts';
import { doubled, failures, Load, lost, podsByPath } from './support/load.ts';
import { type Scenario, timed } from './support/scenario.ts';
import { LEADER_RULE } from './support/sidecar-config.ts';

// Promises 1 to 6 of SPEC 6 under load. One at a time: they bound times.

/** D of promise 4: period × failureThreshold + timeout. */
const SLOWER = { probe: { period: '200ms', timeout: '200ms' } };
const BOUND_MS = 200 * 2 + 200;
/** For a busy machine; less than a period, so that one probe too many is seen. */
const SLACK_MS = 150;

async function grows(load: Load, by = 10): Promise<void> {
  const before = load.acknowledged;
  await poll(() => load.acknowledged >= before + by, `${by} more writes acknowledged`, 6000);
}

function expectOnce(load: Load, scene: Scenario): void {
  expect(doubled(scene.pods), 'writes that reached two Pods').toEqual([]);
  expect(lost(load.writes, scene.pods), 'acknowledged writes that no Pod has').toEqual([]);
}

timed(
  'Promises 1, 2 and 6: three planned switches with a gap under load lose and fail nothing',
  {},
  async (scene) => {
    scene.db0.claim = {};
    await scene.untilLeader('db-0');
    const load = new Load(scene.port);
    for (const [from, to] of [
      [0, 1],
      [1, 2],
      [2, 0],
    ] as const) {
      await grows(load);
      scene.pods[from]!.claim = false;
      await pause(250);
      scene.pods[to]!.claim = {};
      await scene.untilLeader(`db-${to}`);
    }
    await grows(load);
    await load.stop();
    expect(failures(load.writes)).toEqual([]);
    expectOnce(load, scene);
    expect(scene.pods.every(({ requests }) => requests.length >= 10)).toBe(true);
  },
);

// vitessio/vitess#8863
timed(
  'L8 a planned switch that overlaps: held during the conflict, no error, each write once',
  { pods: 2 },
  async (scene) => {
    scene.db0.claim = {};
    await scene.untilLeader('db-0');
    const load = new Load(scene.port);
    await grows(load);
    scene.db1.claim = {};
    await scene.until(({ leadership }) => leadership.state === 'conflict', 'conflict');
    // What was sent before the conflict was seen has its answer; all six clients wait.
    await scene.heldCount(6);
    const during = [scene.db0.byteCount, scene.db1.byteCount];
    await pause(350);
    expect([scene.db0.byteCount, scene.db1.byteCount]).toEqual(during);
    scene.db0.claim = false;
    await scene.untilLeader('db-1');
    await grows(load);
    await load.stop();
    expect(failures(load.writes)).toEqual([]);
    expectOnce(load, scene);
  },
);

timed(
  'Promises 1, 2 and 6: a crashed leader under load fails only what was sent to it',
  {},
  async (scene) => {
    scene.db0.claim = {};
    await scene.untilLeader('db-0');
    const load = new Load(scene.port);
    const resets: string[] = [];
    for (const [from, to] of [
      [0, 1],
      [1, 2],
      [2, 0],
    ] as const) {
      const dying = scene.pods[from]!;
      await grows(load);
      // Some writes must be under way when it dies.
      dying.answer = () => {};
      await dying.changes.until(() => !dying.requests.at(-1)!.url.startsWith('/none'), 'a write under way');
      await pause(40);
      dying.claim = false;
      await dying.crash();
      await pause(250);
      scene.pods[to]!.answer = (_request, response) => void response.end(`db-${to}`);
      await scene.pods[to]!.restart();
      scene.pods[to]!.claim = {};
      await scene.untilLeader(`db-${to}`);
    }
    await grows(load);
    await load.stop();
    const failed = load.writes.filter(({ status }) => status !== 200);
    const seenBy = podsByPath(scene.pods);
    for (const { path, status, failure, headers } of failed) {
      expect({ status, failure, sent: headers['x-headroute-sent'] }).toEqual({
        status: 502,
        failure: 'upstream_reset',
        sent: 'true',
      });
      if (seenBy.has(path)) resets.push(path);
    }
    expect(failed.length, 'at most one a client and crash').toBeLessThanOrEqual(3 * 6);
    expect(resets.length, 'writes cut off').toBeGreaterThan(0);
    expectOnce(load, scene);
  },
);

timed(
  'Promise 6: the first held write lands within one probe round of the new claim',
  { pods: 2, leader: { probe: { period: '400ms', searchPeriod: '400ms' } } },
  async (scene) => {
    await scene.untilReady('db-0', 'db-1');
    const write = scene.write('/w');
    await scene.heldCount(1);
    const { db1 } = scene;
    // The worst moment: right after it has been asked.
    const asked = db1.leaderProbes.length;
    await db1.changes.until(() => db1.leaderProbes.length > asked, 'asked');
    db1.claim = {};
    const claimedMs = performance.now();
    const claimedLoopMs = loopNowMs();
    expect((await write).body).toBe('db-1');
    const landed = db1.requests[0]!;
    expect(landed.atMs - claimedMs).toBeGreaterThan(200);
    // A second round would begin at 720 ms at the earliest.
    expect(landed.loopMs - claimedLoopMs).toBeLessThan(400 + SLACK_MS);
  },
);

const ENDS: Readonly<Record<string, (pod: CasePod) => void>> = {
  'answers that it follows': (pod) => {
    pod.claim = false;
  },
  'does not answer': (pod) => {
    pod.onProbe = (path) => path.startsWith('/leader');
  },
  'answers too late': (pod) => {
    pod.onProbe = (path, response) => {
      if (!path.startsWith('/leader')) return false;
      setTimeout(() => response.end('{"role":"leader"}'), 240);
      return true;
    };
  },
  'answers garbage': (pod) => {
    pod.onProbe = (path, response) => {
      if (!path.startsWith('/leader')) return false;
      response.socket?.end('\0\0 leader');
      return true;
    };
  },
};

for (const [how, stop] of Object.entries(ENDS))
  timed(
    `Promise 4: no write byte later than D after a leader ${how}`,
    { pods: 2, leader: SLOWER },
    async (scene) => {
      const { db0 } = scene;
      db0.claim = {};
      await scene.untilLeader('db-0');
      const load = new Load(scene.port);
      await grows(load);
      const stoppedMs = loopNowMs();
      stop(db0);
      await scene.until(({ leadership }) => leadership.state === 'none', 'none');
      await pause(300);
      const last = db0.bytes.at(-1)!.loopMs - stoppedMs;
      expect(last, 'last byte after the claim ended').toBeLessThan(BOUND_MS + SLACK_MS);
      expect(db0.bytes.at(-1)!.atMs).toBeLessThan(performance.now() - 250);
      scene.db1.claim = {};
      await grows(load);
      await load.stop();
      expect(failures(load.writes)).toEqual([]);
      expectOnce(load, scene);
    },
  );

timed(
  'Promise 4: an upload under way is not fed on to a Pod that stopped claiming',
  { pods: 2, leader: SLOWER },
  async (scene) => {
    const { db0 } = scene;
    db0.claim = {};
    await scene.untilLeader('db-0');
    const client = connect(scene.port, '127.0.0.1');
    client.on('error', () => {});
    client.resume();
    client.write('POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    const feed = setInterval(() => client.writable && client.write('4\r\nbyte\r\n'), 10);
    try {
      await poll(() => db0.byteCount > 400, 'the upload runs');
      const stoppedMs = loopNowMs();
      db0.claim = false;
      scene.db1.claim = {};
      await scene.untilLeader('db-1');
      await pause(BOUND_MS + 2 * SLACK_MS);
      expect(db0.bytes.at(-1)!.loopMs - stoppedMs).toBeLessThan(BOUND_MS + SLACK_MS);
      expect(scene.db1.byteCount, 'never sent to another').toBe(0);
    } finally {
      clearInterval(feed);
      client.destroy();
    }
  },
);

timed(
  'Promise 5: terms never go back, whoever claims, and a restarted Pod shows none',
  { leader: { probe: { term: { json: '/term' } } } },
  async (scene) => {
    const { db0, db1 } = scene;
    const terms: string[] = [];
    const note = async (): Promise<void> => {
      const { leadership } = await scene.backend();
      if (leadership.term !== null && terms.at(-1) !== leadership.term) terms.push(leadership.term);
    };
    db0.claim = { term: '5' };
    await scene.untilLeader('db-0');
    await note();
    db0.claim = false;
    db1.claim = { term: '"6"' };
    await scene.untilLeader('db-1');
    await note();
    // The old one comes back with its old term, alone.
    db1.claim = false;
    db0.claim = { term: '5' };
    await scene.until(({ leadership }) => leadership.reason.includes('term 6 was seen'), 'refused');
    const before = db0.byteCount;
    const write = scene.write('/w');
    await scene.heldCount(1);
    // Nor when it leaves DNS and joins again, as another Pod.
    scene.publish(['db-1', 'db-2']);
    await scene.until(({ pods }) => pods.every(({ name }) => name !== 'db-0'), 'gone');
    scene.publish(['db-0', 'db-1', 'db-2']);
    await scene.untilPod('db-0', (pod) => pod.claimsLeadership, 'claims again');
    await note();
    expect(db0.byteCount).toBe(before);
    db0.claim = { term: '7' };
    expect((await write).body).toBe('db-0');
    await note();
    expect(terms).toEqual(['5', '6', '7']);
  },
);

timed(
  'Promise 3: with no leader and with two no write byte goes anywhere, whatever the method',
  {
    pods: 2,
    rules: [
      { ...LEADER_RULE, matches: undefined, selection: { type: 'Leader', hold: { timeout: '400ms' } } },
    ],
  },
  async (scene) => {
    await scene.untilReady('db-0', 'db-1');
    for (const state of ['none', 'conflict'] as const) {
      for (const pod of scene.pods) pod.claim = state === 'conflict' ? {} : false;
      await scene.until(({ leadership }) => leadership.state === state, state);
      const seen = await Promise.all(
        ['POST', 'GET', 'PUT', 'DELETE', 'PATCH'].map((method) => scene.ask('/w', { method, body: 'x' })),
      );
      for (const { failure, body } of seen) {
        expect(failure).toBe('hold_timeout');
        expect(JSON.parse(body).detail).toContain(state === 'none' ? 'no Pod claims' : 'claim to lead');
      }
      expect(scene.pods.map(({ byteCount }) => byteCount)).toEqual([0, 0]);
    }
  },
);
