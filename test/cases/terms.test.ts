import { expect } from 'vitest';
import { ask } from './support/client.ts';
import { scenario } from './support/scenario.ts';

// The highest term: who showed it, what is none, how it is forgotten (SPEC 3 and 4).

const TERM = { probe: { term: { json: '/term' } } };

scenario(
  'a Pod that shows 60,000 digits does not claim, and keeps nobody out afterwards',
  { pods: 2, leader: { probe: TERM.probe, onConflict: 'HighestTerm' } },
  async (scene) => {
    const { db0, db1 } = scene;
    db0.claim = { term: '7' };
    await scene.untilLeader('db-0');
    db1.claim = { term: '9'.repeat(60_000) };
    const { pods } = await scene.untilPod(
      'db-1',
      ({ leaderProbe }) => leaderProbe?.reason.includes('where a term should be') ?? false,
      'shows no term',
    );
    expect(pods[1]!.leaderProbe!.reason).toContain(`with "${'9'.repeat(30)}…" where a term should be`);
    expect((await scene.write('/w')).body).toBe('db-0');
    expect((await scene.backend()).leadership.highestTerm).toMatchObject({ term: '7', shownBy: 'db-0' });
  },
);

scenario(
  'the highest term and who showed it are seen in /state; POST /terms/forget lets a lower one lead',
  { pods: 2, leader: TERM },
  async (scene) => {
    const { db0, db1 } = scene;
    db1.claim = { term: '99999' };
    await scene.untilLeader('db-1');
    // It was set up by mistake, and is gone.
    db1.claim = false;
    db0.claim = { term: '8' };
    const { leadership } = await scene.until(
      ({ leadership: now }) => now.reason.includes('term 8'),
      'refused',
    );
    expect(leadership).toMatchObject({
      state: 'none',
      reason: 'db-0 claims with term 8, but term 99999 was seen, which db-1 showed',
      highestTerm: { term: '99999', shownBy: 'db-1' },
    });
    const write = scene.write('/w');
    await scene.heldCount(1);
    expect(db0.byteCount).toBe(0);
    const { port } = scene.app.debug!;
    expect((await ask(port, '/terms/forget?backend=nobody', { method: 'POST' })).status).toBe(400);
    const forgotten = await ask(port, '/terms/forget?backend=db', { method: 'POST' });
    expect(JSON.parse(forgotten.body)).toEqual({ backend: 'db', forgotten: '99999' });
    expect((await write).body).toBe('db-0');
    expect((await scene.backend()).leadership.highestTerm).toMatchObject({ term: '8', shownBy: 'db-0' });
  },
);

scenario(
  'what still claims with the highest term is not forgotten',
  { pods: 2, leader: TERM },
  async (scene) => {
    const { db0, db1 } = scene;
    for (const [pod, term] of [
      [db0, '8'],
      [db1, '9'],
    ] as const)
      pod.claim = { term };
    await scene.until(({ leadership }) => leadership.state === 'conflict', 'conflict');
    await ask(scene.app.debug!.port, '/terms/forget?backend=db', { method: 'POST' });
    const { leadership } = await scene.until(({ leadership: now }) => now.highestTerm !== null, 'seen anew');
    expect(leadership).toMatchObject({ state: 'conflict', highestTerm: { term: '9', shownBy: 'db-1' } });
  },
);
