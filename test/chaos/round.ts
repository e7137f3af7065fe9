import { mkdirSync, rmSync } from 'node:fs';
import { pause } from '../helpers/waiting.ts';
import { check, type Verdict } from './checks/all.ts';
import { descriptorsOf, leftOver } from './checks/leaks.ts';
import type { Note, Observation, RoundRecord, Violation } from './checks/record.ts';
import { HttpClient, USUAL } from './clients/http-client.ts';
import { Keys } from './clients/keys.ts';
import { History } from './clients/operation.ts';
import { TunnelClient } from './clients/tunnel-client.ts';
import { Cluster, type Programs } from './cluster/cluster.ts';
import { boundMs } from './cluster/config.ts';
import { machineMs } from './monotonic.ts';
import type { Nemesis, Scene, Shape } from './nemeses/contract.ts';
import { Random } from './random.ts';

export interface RoundOptions {
  readonly nemeses: readonly Nemesis[];
  readonly seed: string;
  readonly seconds: number;
  readonly programs: Programs;
  /** For logs and configurations; emptied first. */
  readonly folder: string;
}

export interface RoundResult extends Verdict {
  readonly record: RoundRecord;
}

/** How soon each sidecar writes again after everything is well (ms). */
const HEALED_MS = 6000;
const LOOK_MS = 150;

/** One round: a cluster of its own, clients, the nemeses until time is up, everything healed, then the checks. */
export async function runRound(options: RoundOptions): Promise<RoundResult> {
  const { nemeses, seed, folder } = options;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const random = new Random(seed);
  const shape: Shape = Object.assign({}, ...nemeses.map((nemesis) => nemesis.shape ?? {}));
  const startMs = machineMs();
  // Others show old terms, of which lineage knows nothing.
  const lineage = nemeses.every((nemesis) => nemesis.shape?.lineage === true);
  const order = random.of(['Refuse', 'HighestTerm'] as const);
  // Without a term there is no order of terms.
  const onConflict = lineage ? 'Refuse' : (shape.onConflict ?? order);
  const harmless = nemeses.every((nemesis) => nemesis.harmless === true);
  const cluster = await Cluster.start({
    pods: shape.pods ?? random.of([3, 3, 3, 4, 5]),
    sidecars: shape.sidecars ?? random.of([1, 2, 2, 3]),
    onConflict,
    patient: harmless,
    lineage,
    folder,
    programs: options.programs,
  });
  const history = new History();
  const notes: Note[] = [];
  const found: Violation[] = [];
  const observer = new Observer(cluster);
  try {
    const before = cluster.sidecars.map(descriptorsOf);
    const clients = clientsOf(cluster, random, history, shape);
    const loops = clients.map((client) => client.run());
    await untilWritten(cluster, history, HEALED_MS, 'at the start', found);
    const endMs = machineMs() + options.seconds * 1000;
    const mustWrite = (withinMs: number, when: string): Promise<void> =>
      untilWritten(cluster, history, withinMs, when, found);
    const scene = (nemesis: Nemesis) => sceneOf(cluster, seed, nemesis, endMs, notes, mustWrite);
    await Promise.all(nemeses.map((nemesis) => haunt(nemesis, scene(nemesis))));
    notes.push({ t: machineMs(), what: 'all is well' });
    await cluster.heal();
    await untilWritten(cluster, history, HEALED_MS, 'after healing', found);
    for (const client of clients) client.stop();
    await Promise.all(loops);
    found.push(...(await leftOver(cluster.sidecars, before)));
  } finally {
    observer.stop();
    await cluster.close();
  }
  for (const { badEnds } of cluster.sidecars)
    for (const { run, what } of badEnds)
      found.push({ check: 'liveness', what: `the process of ${run} ${what}`, atMs: machineMs() });
  const record: RoundRecord = {
    startMs,
    endMs: machineMs(),
    operations: history.operations,
    lives: cluster.pods.flatMap((pod) => pod.lives()),
    commits: cluster.coordinator.commits,
    reigns: cluster.coordinator.reigns,
    observations: observer.seen,
    notes,
    // Their logs say when by the wall clock, which must not have been set meanwhile.
    leaderless: cluster.wallClockWasSet ? [] : cluster.sidecars.flatMap((sidecar) => sidecar.leaderless()),
    onConflict,
    lineage,
    harmless,
    boundMs: boundMs({ patient: harmless }),
    found,
  };
  return { record, ...check(record) };
}

/** @throws Error: it never struck, so that the round says nothing */
async function haunt(nemesis: Nemesis, scene: Scene & { over(): boolean }): Promise<void> {
  await scene.pause(300);
  if (scene.over()) throw new Error(`the harness: ${nemesis.name} never struck`);
  while (!scene.over()) {
    await nemesis.strike(scene);
    await scene.pause(scene.random.between(100, 500));
  }
}

function sceneOf(
  cluster: Cluster,
  seed: string,
  nemesis: Nemesis,
  endMs: number,
  notes: Note[],
  mustWrite: Scene['mustWrite'],
): Scene & { over(): boolean } {
  const over = (): boolean => machineMs() >= endMs;
  return {
    cluster,
    // Its own numbers: what it does not depend on how often clients ask.
    random: new Random(`${seed} ${nemesis.name}`),
    note: (what) => notes.push({ t: machineMs(), what }),
    pause: (ms) => pause(Math.max(0, Math.min(ms, endMs - machineMs()))),
    async untilLed() {
      while (!over() && cluster.coordinator.holder === null) await pause(10);
    },
    mustWrite,
    over,
  };
}

interface Client {
  run(): Promise<void>;
  stop(): void;
}

function clientsOf(cluster: Cluster, random: Random, history: History, shape: Shape): Client[] {
  const keys = new Keys();
  const clients: Client[] = [];
  const sidecar = (n: number) => cluster.sidecars[n % cluster.sidecars.length]!;
  const own = (): Random => new Random(`${random.next()}`);
  const largest = shape.largest ?? 2_000_000;
  const behaviour = { mix: shape.mix ?? USUAL, largest };
  for (let n = 0; n < (shape.clients ?? 12); n++)
    clients.push(new HttpClient(`http-${n}`, sidecar(n), own(), keys, history, behaviour));
  for (let n = 0; n < (shape.tunnels ?? 4); n++) {
    const via = n % 2 === 0 ? 'tcp' : 'upgrade';
    clients.push(new TunnelClient(`${via}-${n}`, via, sidecar(n >> 1), own(), keys, history));
  }
  return clients;
}

/** Waits until a write through each sidecar that begins from now on is acknowledged. */
async function untilWritten(
  cluster: Cluster,
  history: History,
  withinMs: number,
  when: string,
  found: Violation[],
): Promise<void> {
  const afterMs = machineMs();
  const endMs = afterMs + withinMs;
  for (const { run } of cluster.sidecars)
    while (
      !history.operations.some(
        ({ by, startMs, outcome, kind }) =>
          by === run && kind === 'write' && startMs >= afterMs && outcome === 'ok',
      )
    ) {
      if (machineMs() > endMs) {
        found.push({
          check: 'liveness',
          what: `no write through ${run} was acknowledged within ${withinMs} ms ${when}`,
          atMs: machineMs(),
        });
        break;
      }
      await pause(20);
    }
}

/** Asks the sidecars again and again what they believe. */
class Observer {
  readonly seen: Observation[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(cluster: Cluster) {
    this.#timer = setInterval(() => {
      for (const sidecar of cluster.sidecars) {
        if (!sidecar.isMeantToRun) continue;
        const { run } = sidecar;
        sidecar.state().then(
          ({ backends }) => {
            if (run !== sidecar.run) return;
            const { state, leader, term } = backends[0]!.leadership;
            this.seen.push({ t: machineMs(), run, state, leader, term });
          },
          () => {},
        );
      }
    }, LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
