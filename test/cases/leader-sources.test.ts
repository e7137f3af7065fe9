import { expect } from 'vitest';
import { loopNowMs, pause } from '../helpers/waiting.ts';
import { status } from './support/answers.ts';
import { scenario } from './support/scenario.ts';

// Ways to know who leads (SPEC 2, leader), over real DNS and Pods.

const TERM = { probe: { term: { json: '/term' } } };

scenario(
  'HighestTerm: of two claimants the higher term leads, beyond 2^53 too, as number and as text',
  { leader: { ...TERM, onConflict: 'HighestTerm' } },
  async (scene) => {
    const { db0, db1, db2 } = scene;
    // As doubles these two are the same number.
    db0.claim = { term: '9007199254740992' };
    await scene.untilLeader('db-0');
    db1.claim = { term: '"9007199254740993"' };
    const { leadership } = await scene.untilLeader('db-1');
    expect(leadership.term).toBe('9007199254740993');
    expect((await scene.write('/w')).body).toBe('db-1');
    db2.claim = { term: '12345678901234567890' };
    expect((await scene.untilLeader('db-2')).leadership.term).toBe('12345678901234567890');
    // Only the lower ones are left: none of them leads.
    const before = [db0.byteCount, db1.byteCount];
    db2.claim = false;
    await scene.until(({ leadership: now }) => now.state === 'none', 'none');
    db0.claim = false;
    await scene.until(({ leadership: now }) => now.claimants.length === 1, 'one is left');
    const write = scene.write('/x');
    await scene.heldCount(1);
    await pause(200);
    expect([db0.byteCount, db1.byteCount]).toEqual(before);
    db2.claim = { term: '12345678901234567891' };
    expect((await write).body).toBe('db-2');
  },
);

scenario(
  'HighestTerm: two with the same term are a conflict',
  { pods: 2, leader: { ...TERM, onConflict: 'HighestTerm' } },
  async (scene) => {
    for (const pod of scene.pods) pod.claim = { term: '3' };
    await scene.until(({ leadership }) => leadership.state === 'conflict', 'conflict');
    const write = scene.write('/w');
    await scene.heldCount(1);
    expect(scene.pods.map(({ byteCount }) => byteCount)).toEqual([0, 0]);
    scene.db1.claim = { term: '4' };
    expect((await write).body).toBe('db-1');
    expect(scene.db0.byteCount).toBe(0);
  },
);

scenario(
  'Refuse: a higher term does not decide between two claimants',
  { pods: 2, leader: TERM },
  async (scene) => {
    scene.db0.claim = { term: '3' };
    scene.db1.claim = { term: '4' };
    await scene.until(({ leadership }) => leadership.state === 'conflict', 'conflict');
    scene.db1.claim = false;
    // The higher term was seen: the lower one is not believed when it is alone.
    await scene.until(
      ({ leadership }) => leadership.reason.includes('term 4 was seen'),
      'refused by its term',
    );
    expect((await scene.backend()).leadership).toMatchObject({ state: 'none', leader: null });
  },
);

const LEADER_SERVICE = 'db-leader.test.svc.cluster.local';

scenario(
  'leader.type DNS: the address of a Service of its own names the leader',
  {
    leader: { type: 'DNS', dns: { service: LEADER_SERVICE } },
    before: ({ dns, pods }) => dns.setRecords(LEADER_SERVICE, 'A', [pods[0]!.ip], 0),
  },
  async (scene) => {
    const { db0, db1, db2, dns } = scene;
    await scene.untilLeader('db-0');
    expect((await scene.write('/w')).body).toBe('db-0');
    dns.setRecords(LEADER_SERVICE, 'A', [db0.ip, db1.ip], 0);
    await scene.until(({ leadership }) => leadership.state === 'conflict', 'conflict');
    dns.setRecords(LEADER_SERVICE, 'A', [db1.ip], 0);
    await scene.untilLeader('db-1');
    expect((await scene.write('/x')).body).toBe('db-1');
    // Failed look-ups change nothing.
    dns.onQuery = ({ name }) => (name === LEADER_SERVICE ? { do: 'rcode', rcode: 'SERVFAIL' } : undefined);
    await pause(250);
    expect((await scene.backend()).leadership.leader).toBe('db-1');
    dns.onQuery = null;
    // An address that is no Pod of the Service never gets anything.
    dns.setRecords(LEADER_SERVICE, 'A', ['127.0.0.1'], 0);
    await scene.until(({ leadership }) => leadership.state === 'none', 'none');
    expect(db2.byteCount).toBe(0);
  },
);

scenario(
  'leader.type Ordinal: one Pod leads for as long as it is ready',
  { leader: { type: 'Ordinal', ordinal: 1 } },
  async (scene) => {
    const { db0, db1, db2 } = scene;
    await scene.untilLeader('db-1');
    expect((await scene.write('/w')).body).toBe('db-1');
    db1.healthy = false;
    await scene.until(({ leadership }) => leadership.state === 'none', 'none');
    const write = scene.write('/x');
    await scene.heldCount(1);
    db1.healthy = true;
    expect((await write).body).toBe('db-1');
    expect(db0.byteCount + db2.byteCount).toBe(0);
  },
);

scenario(
  'A tcp probe asks servers without HTTP for their ROLE',
  {
    pods: 2,
    leader: ({ speaker }) => ({
      probe: { tcp: { port: speaker, send: 'ROLE\r\n', expect: { contains: 'master' } } },
    }),
  },
  async (scene) => {
    scene.db0.claim = {};
    await scene.untilLeader('db-0');
    expect((await scene.write('/w')).body).toBe('db-0');
    scene.db0.claim = false;
    scene.db1.claim = {};
    await scene.untilLeader('db-1');
    expect((await scene.write('/x')).body).toBe('db-1');
    await scene.db1.crash();
    await scene.until(({ leadership }) => leadership.state === 'none', 'none');
  },
);

scenario(
  'A probe by status alone: 200 leads, 503 and a redirect follow',
  {
    pods: 2,
    leader: ({ role }) => ({
      probe: { httpGet: { path: '/primary', port: role }, expect: { status: [200] } },
    }),
  },
  async (scene) => {
    const lead = (code: number) => (path: string, response: import('node:http').ServerResponse) => {
      if (path !== '/primary') return false;
      response.writeHead(code, { Location: '/leader' }).end();
      return true;
    };
    scene.db0.onProbe = lead(200);
    scene.db1.onProbe = lead(302);
    await scene.untilLeader('db-0');
    scene.db0.onProbe = lead(503);
    scene.db1.onProbe = lead(200);
    await scene.untilLeader('db-1');
    expect((await scene.write('/w')).body).toBe('db-1');
    expect(scene.db1.leaderProbes, 'the redirect was followed').toEqual([]);
  },
);

scenario(
  'Evidence re-probes every Pod at once, but at most ten rounds a second',
  { leader: { probe: { period: '5s' }, learn: [{ status: 421 }] } },
  async (scene) => {
    const { db0, db1 } = scene;
    db0.claim = {};
    await scene.untilLeader('db-0');
    // It says in one place that it leads and in another that it does not: every write is evidence.
    db0.answer = status(421);
    const before = db1.leaderProbes.length;
    const writes = Array.from({ length: 20 }, (_, n) => scene.write(`/w/${n}`));
    const firstMs = performance.now();
    await pause(1000);
    await db1.changes.until(() => db1.leaderProbes.length > before + 3, 'rounds');
    const rounds = db1.leaderProbes.length - before;
    expect(rounds).toBeLessThanOrEqual((performance.now() - firstMs) / 100 + 2);
    // Each write has met the refusal once, and waits.
    expect(db0.requests.length).toBe(20);
    db0.claim = false;
    db1.claim = {};
    const claimedMs = loopNowMs();
    for (const seen of await Promise.all(writes)) expect(seen).toMatchObject({ status: 200, body: 'db-1' });
    expect(loopNowMs() - claimedMs).toBeLessThan(1500);
    expect(db1.got('/w/')).toHaveLength(20);
  },
);
