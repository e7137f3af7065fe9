import type { PodHandle } from '../cluster/pod-handle.ts';
import type { Nemesis, Scene } from './contract.ts';

/** The Pod that has the lease, once one has it. */
export async function leaderOf(scene: Scene): Promise<PodHandle> {
  await scene.untilLed();
  // Where the round is over it does not matter any more.
  return scene.cluster.leader ?? scene.cluster.pods[0]!;
}

export const kill: Nemesis = {
  name: 'kill',
  async strike(scene) {
    const pod = scene.random.chance(0.8) ? await leaderOf(scene) : scene.random.of(scene.cluster.pods);
    scene.note(`kill -9 ${pod.name}`);
    await pod.kill();
    await scene.pause(scene.random.between(200, 1500));
    scene.note(`start ${pod.name}`);
    pod.start();
    await scene.untilLed();
  },
};

export const freezePod: Nemesis = {
  name: 'freeze-pod',
  async strike(scene) {
    const pod = await leaderOf(scene);
    scene.note(`SIGSTOP ${pod.name}`);
    pod.signal('SIGSTOP');
    // Past its lease, most of the time.
    await scene.pause(scene.random.between(400, 2500));
    scene.note(`SIGCONT ${pod.name}`);
    pod.signal('SIGCONT');
  },
};

/** The data port hangs, the probes go on: nothing shows it but the requests. */
export const dataHangs: Nemesis = {
  name: 'data-hangs',
  async strike(scene) {
    const pod = await leaderOf(scene);
    scene.note(`${pod.name}: data port hangs`);
    pod.set({ deaf: true, mute: true });
    await scene.pause(scene.random.between(500, 2500));
    scene.note(`${pod.name}: data port works`);
    pod.set({ deaf: false, mute: false });
  },
};

/** The probe port hangs and the data port goes on; meanwhile another gets the lease, or nobody. */
export const probesHang: Nemesis = {
  name: 'probes-hang',
  async strike(scene) {
    const pod = await leaderOf(scene);
    scene.note(`${pod.name}: probe port hangs`);
    pod.set({ probeMute: true });
    await scene.pause(scene.random.between(0, 300));
    const next = scene.random.weighted({ another: 40, nobody: 40, same: 20 });
    scene.note(`the lease: ${next}`);
    if (next !== 'same') {
      scene.cluster.coordinator.eligible = next === 'nobody' ? new Set() : namesBut(scene, pod);
      scene.cluster.coordinator.release();
    }
    await scene.pause(scene.random.between(1200, 2500));
    scene.cluster.coordinator.eligible = null;
    scene.note(`${pod.name}: probe port works`);
    pod.set({ probeMute: false });
  },
};

/** Bytes go one way only, for a while. */
export const oneWay: Nemesis = {
  name: 'one-way',
  async strike(scene) {
    const pod = await leaderOf(scene);
    const way = scene.random.of(['deaf', 'mute'] as const);
    scene.note(`${pod.name} is ${way}`);
    pod.set({ [way]: true });
    await scene.pause(scene.random.between(300, 2000));
    scene.note(`${pod.name} is well`);
    pod.set({ [way]: false });
  },
};

/** Connections are reset amid a request, after a 100 Continue, after a write was executed, amid an answer. */
export const RESETS: readonly Nemesis[] = (['request', 'continue', 'executed', 'answer'] as const).map(
  (resetAt) => ({
    name: `resets-${resetAt}`,
    shape: {
      mix: { plain: 55, chunked: 20, expect: 20, pipelined: 5, halfClosing: 0, aborting: 0, slow: 0 },
    },
    async strike(scene) {
      const pod = await leaderOf(scene);
      scene.note(`${pod.name} resets: ${resetAt}`);
      pod.set({ resetEvery: scene.random.between(2, 6), resetAt });
      await scene.pause(scene.random.between(800, 1500));
      pod.set({ resetEvery: 0 });
    },
  }),
);

export const resets: Nemesis = {
  name: 'resets',
  shape: RESETS[0]!.shape!,
  strike: (scene) => scene.random.of(RESETS).strike(scene),
};

/** Kept connections end just when they are used again. */
export const keepAliveRaces: Nemesis = {
  name: 'keep-alive-races',
  async strike(scene) {
    const pod = await leaderOf(scene);
    const closeIdleMs = scene.random.between(1, 25);
    const closeAfterAnswer = scene.random.chance(0.3);
    scene.note(`${pod.name} closes ${closeAfterAnswer ? 'after each answer' : `after ${closeIdleMs} ms`}`);
    pod.set({ closeIdleMs, closeAfterAnswer });
    await scene.pause(scene.random.between(800, 2000));
    pod.set({ closeIdleMs: 0, closeAfterAnswer: false });
  },
};

function namesBut({ cluster }: Scene, pod: PodHandle): Set<string> {
  return new Set(cluster.pods.filter((other) => other !== pod).map(({ name }) => name));
}
