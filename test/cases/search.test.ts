import { expect } from 'vitest';
import { pause } from '../helpers/waiting.ts';
import { scenario } from './support/scenario.ts';

// How soon the next leader is found (SPEC 3, Leadership). A probe period of a minute: what is found is found by the search.

const SELDOM = { probe: { period: '60s', timeout: '30s' } };

scenario(
  'a write held over kill -9 of the leader goes to the next one as soon as that claims',
  { leader: SELDOM },
  async (scene) => {
    const { db0, db1, db2 } = scene;
    db0.claim = {};
    await scene.untilLeader('db-0');
    expect((await scene.write('/before')).body).toBe('db-0');
    // Its probes never end: nobody waits for them.
    db2.onProbe = (path) => path === '/leader';
    await db0.crash();
    await scene.until(({ leadership }) => leadership.state === 'none', 'none leads');
    const write = scene.write('/w');
    await scene.heldCount(1);
    await pause(350);
    db1.claim = {};
    expect((await write).body).toBe('db-1');
    expect(db1.got('/w')).toHaveLength(1);
  },
);

scenario('two that claim are asked until one of them stops', { pods: 2, leader: SELDOM }, async (scene) => {
  const { db0, db1 } = scene;
  for (const pod of [db0, db1]) pod.claim = {};
  await scene.until(({ leadership }) => leadership.state === 'conflict', 'conflict');
  const write = scene.write('/w');
  await scene.heldCount(1);
  expect([db0.byteCount, db1.byteCount]).toEqual([0, 0]);
  db0.claim = false;
  expect((await write).body).toBe('db-1');
});

scenario(
  'the leader that comes back ready takes the held write at once',
  {
    pods: 2,
    leader: SELDOM,
    backend: ({ role }) => ({
      health: {
        httpGet: { path: '/healthz', port: role },
        period: '60s',
        timeout: '5s',
        failureThreshold: 1,
      },
    }),
  },
  async (scene) => {
    const { db0 } = scene;
    db0.claim = {};
    db0.healthy = false;
    await scene.until(({ leadership }) => leadership.reason === 'db-0 claims but is unready', 'unready');
    const write = scene.write('/w');
    await scene.heldCount(1);
    db0.healthy = true;
    expect((await write).body).toBe('db-0');
  },
);
