import type { Sidecar } from '../cluster/sidecar.ts';
import type { Nemesis, Scene } from './contract.ts';
import { leaderOf } from './pods.ts';

/** The lease moves to another Pod, without a word to anybody. */
async function move(scene: Scene): Promise<void> {
  const { cluster, random } = scene;
  const before = await leaderOf(scene);
  const next = random.of(cluster.pods.filter((pod) => pod !== before));
  scene.note(`switch from ${before.name} to ${next.name}`);
  cluster.coordinator.eligible = new Set([next.name]);
  cluster.coordinator.release();
  await scene.untilLed();
  cluster.coordinator.eligible = null;
}

/** The sidecar's process stands still while the leader changes. */
export const freezeSidecar: Nemesis = {
  name: 'freeze-sidecar',
  async strike(scene) {
    const { random } = scene;
    const sidecar: Sidecar = random.of(scene.cluster.sidecars);
    scene.note(`SIGSTOP ${sidecar.run}`);
    sidecar.signal('SIGSTOP');
    await scene.pause(random.between(0, 300));
    await move(scene);
    await scene.pause(random.between(600, 2500));
    scene.note(`SIGCONT ${sidecar.run}`);
    sidecar.signal('SIGCONT');
    await scene.pause(random.between(300, 800));
  },
};

/** The sidecar's event loop is busy while the leader changes. */
export const blockedLoop: Nemesis = {
  name: 'blocked-loop',
  async strike(scene) {
    const { random } = scene;
    const sidecar: Sidecar = random.of(scene.cluster.sidecars);
    const blockMs = random.between(900, 2200);
    scene.note(`the loop of ${sidecar.run} is busy for ${blockMs} ms`);
    sidecar.hook({ blockMs });
    await scene.pause(random.between(0, 200));
    await move(scene);
    await scene.pause(blockMs + random.between(200, 600));
  },
};

export const restartSidecar: Nemesis = {
  name: 'restart-sidecar',
  async strike(scene) {
    const sidecar: Sidecar = scene.random.of(scene.cluster.sidecars);
    scene.note(`SIGTERM ${sidecar.run}`);
    await sidecar.stop();
    await sidecar.start();
    scene.note(`${sidecar.run} has started`);
    await scene.pause(scene.random.between(300, 900));
  },
};

/** The configuration changes every second, under load; the leader does too, at times. */
export const reload: Nemesis = {
  name: 'reload',
  harmless: true,
  async strike(scene) {
    scene.note('reload');
    scene.cluster.reload();
    await scene.pause(1000);
  },
};

/** Reloads while nobody leads: what is held waits on under the new rules. */
export const reloadWhileHeld: Nemesis = {
  name: 'reload-while-held',
  harmless: true,
  // Connections that stay and slow bodies are cut when nobody leads, as they must be; a body beyond 64 KiB that the old leader
  // turned away is not kept to be sent again.
  shape: {
    tunnels: 0,
    largest: 60_000,
    mix: { plain: 90, chunked: 10, expect: 0, pipelined: 0, halfClosing: 0, aborting: 0, slow: 0 },
  },
  async strike(scene) {
    const { cluster, random } = scene;
    await scene.untilLed();
    await scene.pause(random.between(200, 500));
    cluster.coordinator.eligible = new Set();
    cluster.coordinator.release();
    await scene.pause(random.between(300, 700));
    scene.note('reload while requests are held');
    cluster.reload();
    await scene.pause(random.between(700, 1200));
    cluster.coordinator.eligible = null;
    await scene.untilLed();
  },
};

/** The wall clock is set; nothing that is measured may notice. */
export const wallClock: Nemesis = {
  name: 'wall-clock',
  harmless: true,
  async strike(scene) {
    const { random } = scene;
    const wallOffsetMs = random.of([-1, 1]) * random.of([2000, 3_600_000, 86_400_000 * 400]);
    scene.note(`wall clocks ${wallOffsetMs} ms off`);
    scene.cluster.setWallClocks(wallOffsetMs);
    await scene.pause(random.between(500, 1500));
  },
};
