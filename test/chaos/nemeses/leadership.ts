import type { Nemesis, Scene } from './contract.ts';
import { leaderOf } from './pods.ts';

/** A planned switch: the leader gives the lease up, and another has it at once or a moment later. */
export const planned: Nemesis = {
  name: 'switch',
  async strike(scene) {
    const { cluster, random } = scene;
    const before = await leaderOf(scene);
    const next = random.of(cluster.pods.filter((pod) => pod !== before));
    const gapMs = random.of([0, 0, random.between(50, 800)]);
    scene.note(`switch from ${before.name} to ${next.name}, ${gapMs} ms between`);
    cluster.coordinator.eligible = new Set(gapMs === 0 ? [next.name] : []);
    cluster.coordinator.release();
    await scene.pause(gapMs);
    cluster.coordinator.eligible = new Set([next.name]);
    await scene.untilLed();
    cluster.coordinator.eligible = null;
    await scene.pause(random.between(200, 900));
  },
};

/** Planned switches while most of what is sent is long uploads. */
export const uploads: Nemesis = {
  name: 'uploads',
  shape: { mix: { plain: 30, chunked: 5, expect: 0, pipelined: 0, halfClosing: 0, aborting: 0, slow: 65 } },
  strike: (scene) => planned.strike(scene),
};

/** Two Pods claim, with the same term or with others. */
export const twoClaimants: Nemesis = {
  name: 'two-claimants',
  async strike(scene) {
    const { cluster, random } = scene;
    const leader = await leaderOf(scene);
    const other = random.of(cluster.pods.filter((pod) => pod !== leader));
    const term = cluster.coordinator.term - (random.chance(0.7) ? 0 : 1);
    scene.note(`${other.name} claims too, with term ${term}`);
    other.set({ claim: { term } });
    await scene.pause(random.between(1300, 2500));
    scene.note(`${other.name} claims no more`);
    other.set({ claim: null });
    await scene.pause(random.between(300, 800));
  },
};

/** Nobody leads for a while; what came meanwhile waits in a row. */
export const nobody: Nemesis = {
  name: 'nobody',
  shape: {
    sidecars: 1,
    clients: 24,
    mix: { plain: 75, chunked: 5, expect: 3, pipelined: 0, halfClosing: 5, aborting: 12, slow: 0 },
  },
  async strike(scene) {
    const { coordinator } = scene.cluster;
    await scene.untilLed();
    await scene.pause(scene.random.between(300, 800));
    scene.note('nobody leads');
    coordinator.eligible = new Set();
    coordinator.release();
    await scene.pause(scene.random.between(700, 2200));
    scene.note('anybody may lead');
    coordinator.eligible = null;
    await scene.untilLed();
  },
};

/** The leader gives up, and one that led before is back with the term of then, alone. */
function oldTermIsBack(name: string, reloads: (scene: Scene) => boolean): Nemesis {
  return {
    name,
    async strike(scene) {
      const { cluster, random } = scene;
      await planned.strike(scene);
      const leader = await leaderOf(scene);
      const old = random.of(cluster.pods.filter((pod) => pod !== leader));
      const term = Math.max(1, cluster.coordinator.term - 1);
      cluster.coordinator.eligible = new Set();
      cluster.coordinator.release();
      if (reloads(scene)) {
        scene.note('reload');
        cluster.reload();
      }
      await scene.pause(random.between(500, 900));
      scene.note(`${old.name} claims with the old term ${term}`);
      old.set({ claim: { term } });
      await scene.pause(random.between(800, 1500));
      old.set({ claim: null });
      cluster.coordinator.eligible = null;
      await scene.untilLed();
    },
  };
}

export const oldTerm = oldTermIsBack('old-term', ({ random }) => random.chance(0.5));
export const oldTermAfterReload = oldTermIsBack('old-term-after-reload', () => true);

/** After a planned switch the old leader goes on claiming for a while, as Redis does; lineage tells who came later. */
export const sideBySide: Nemesis = {
  name: 'side-by-side',
  shape: { lineage: true },
  async strike(scene) {
    const { cluster, random } = scene;
    const before = await leaderOf(scene);
    const next = random.of(cluster.pods.filter((pod) => pod !== before));
    scene.note(`${next.name} is promoted, ${before.name} goes on claiming`);
    before.set({ claim: { term: cluster.coordinator.term } });
    cluster.coordinator.eligible = new Set([next.name]);
    cluster.coordinator.release();
    await scene.untilLed();
    await scene.pause(random.between(300, 900));
    await scene.mustWrite(2000, `while ${before.name} still claims beside its successor ${next.name}`);
    await scene.pause(random.between(300, 900));
    before.set({ claim: null });
    cluster.coordinator.eligible = null;
    await scene.pause(random.between(200, 600));
  },
};

/** The leader is cut off from the quorum and its clock runs behind: it believes in its lease while the next one has it. */
export const slowClock: Nemesis = {
  name: 'slow-clock',
  async strike(scene) {
    const { random } = scene;
    const leader = await leaderOf(scene);
    const clockBehindMs = random.between(300, 2000);
    scene.note(`${leader.name} is cut off, its clock ${clockBehindMs} ms behind`);
    leader.set({ cutOff: true, clockBehindMs });
    await scene.pause(random.between(1500, 3000));
    leader.set({ cutOff: false, clockBehindMs: 0 });
    scene.note(`${leader.name} is back`);
    await scene.pause(random.between(200, 500));
  },
};
