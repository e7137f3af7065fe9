/**
 * Random histories of a replicated database against what headroute believes (docs/adr/0009-lineage.md). Pods are promoted,
 * killed, restarted with and without their data, made replicas by their cluster at last; the sidecar looks seldom, and loses
 * sight of Pods. Once a Pod was seen to lead after a promotion, the sidecar writes to none that was a master before: never again
 * where its process is the same, and not for 30 s after the last sight of the successor where it was restarted, unless the
 * successor itself says that it leads no more.
 */
import { expect, it } from 'vitest';
import type { Claimant } from '../../../src/control/leadership/arbitrate.ts';
import { Judge } from '../../../src/control/leadership/judge.ts';

/** xorshift32: the same seed is the same history. */
function seeded(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** A server as Redis is one: its id, whom it followed when it was promoted, and whether it takes writes. */
interface Server {
  readonly podId: number;
  readonly name: string;
  alive: boolean;
  master: boolean;
  id: string;
  previous: string | null;
  /** The sidecar cannot see it. */
  hidden: boolean;
  /** Promotion by which it became a master, counted over all; 0: not by one. */
  promotion: number;
  /** Since when it is a master beside the true one, which its cluster mends in time. */
  strayMs: number;
  hiddenMs: number;
}

/** A Pod that was a master when the sidecar saw one lead that was promoted after it. */
interface Succeeded {
  readonly by: Server;
  readonly byId: string;
  readonly promotion: number;
  /** What the Pod's process showed then, if it is the one that was succeeded. */
  readonly id: string | null;
  /** When the sidecar saw the successor last. */
  seenMs: number;
}

/** What the cluster does with a master that came back empty or was left behind: 9 to 12 s were measured. */
const MENDED_MS = 12_000;

class World {
  readonly servers: Server[];
  readonly judge = new Judge();
  nowMs = 0;
  /** Who is the master for the cluster. */
  truth: Server;
  /** Who has succeeded a Pod, of those that the sidecar has seen lead, and which id the Pod had then. */
  readonly succeeded = new Map<string, Succeeded>();
  readonly answers = new Map<number, 'master' | 'replica'>();
  readonly seen = new Map<number, Claimant>();
  leaderId: number | null = null;
  readonly told: string[] = [];
  writes = 0;
  #ids = 0;
  #promotions = 0;

  constructor(count: number) {
    this.servers = Array.from({ length: count }, (_, n) => ({
      podId: n + 1,
      name: `db-${n}`,
      alive: true,
      master: n === 0,
      id: n === 0 ? this.#id() : '',
      previous: null,
      hidden: false,
      promotion: 0,
      strayMs: 0,
      hiddenMs: 0,
    }));
    this.truth = this.servers[0]!;
    for (const server of this.servers) server.id = this.truth.id;
  }

  #id(): string {
    return `id${++this.#ids}`;
  }

  tell(what: string): void {
    this.told.push(`${this.nowMs}: ${what}`);
  }

  /** A replica takes over; the former master learns of it later, if it lives. */
  promote(server: Server): void {
    if (!server.alive || server.master || server.id !== this.truth.id) return;
    this.tell(`${server.name} is promoted over ${this.truth.name}`);
    server.previous = server.id;
    server.id = this.#id();
    server.master = true;
    server.promotion = ++this.#promotions;
    this.truth.strayMs = this.nowMs;
    this.truth = server;
    // Replicas that live follow the new one.
    for (const other of this.servers) if (other.alive && !other.master) this.follow(other);
  }

  follow(server: Server): void {
    server.master = false;
    server.id = this.truth.id;
    server.previous = null;
    this.succeeded.delete(server.name);
  }

  kill(server: Server): void {
    if (!server.alive) return;
    this.tell(`${server.name} dies`);
    server.alive = false;
  }

  /** Comes back as a master, as a Pod does whose start knows no other; a replica finds its master again. */
  restart(server: Server, withData: boolean): void {
    if (server.alive) return;
    this.tell(`${server.name} restarts ${withData ? 'with' : 'without'} its data`);
    server.alive = true;
    if (!server.master) {
      this.follow(server);
      return;
    }
    server.previous = withData ? server.id : null;
    server.id = this.#id();
    server.promotion = 0;
    server.strayMs = this.nowMs;
  }

  /** Time goes on; the cluster mends what stands beside the truth. */
  pass(ms: number): void {
    this.nowMs += ms;
    for (const server of this.servers) {
      const strays = server.alive && server.master && server !== this.truth;
      if (strays && this.truth.alive && this.nowMs - server.strayMs > MENDED_MS) {
        this.tell(`${server.name} is made a replica`);
        this.follow(server);
      }
      // A Pod is not out of sight for longer than this model promises anything.
      if (server.hidden && this.nowMs - server.hiddenMs > 25_000) server.hidden = false;
    }
  }

  /** The sidecar asks everybody it sees, and judges. */
  look(): void {
    for (const server of this.servers) {
      if (!server.alive || server.hidden) {
        this.seen.delete(server.podId);
        continue;
      }
      this.answers.set(server.podId, server.master ? 'master' : 'replica');
      for (const record of this.succeeded.values())
        if (record.by === server && record.byId === server.id) record.seenMs = this.nowMs;
      if (!server.master) {
        this.seen.delete(server.podId);
        for (const [name, { by }] of this.succeeded) if (by === server) this.succeeded.delete(name);
      }
      if (server.master)
        this.seen.set(server.podId, {
          podId: server.podId,
          name: server.name,
          ready: true,
          term: null,
          lineage: { id: server.id, previous: server.previous },
        });
    }
    const { leaderId, reason } = this.judge.judge([...this.seen.values()], {
      onConflict: 'Refuse',
      nowMs: this.nowMs,
      wallMs: this.nowMs,
      leaderId: this.leaderId,
      isPresent: () => true,
      isSilent: () => false,
      counsel: null,
      denies: (podId) => this.answers.get(podId) === 'replica',
    });
    this.leaderId = leaderId;
    this.tell(`look: ${reason}`);
    const leader = this.servers.find(({ podId }) => podId === leaderId);
    if (leader === undefined) return;
    this.writes++;
    const record = this.succeeded.get(leader.name);
    const isSucceeded =
      record !== undefined &&
      leader.promotion < record.promotion &&
      (record.id === leader.id || this.nowMs < record.seenMs + 30_000);
    if (isSucceeded)
      throw new Error(
        `written to ${leader.name} (${leader.id}, ${leader.previous}) though ${record.by.name} has succeeded it:\n${this.told.join('\n')}`,
      );
    this.#remember(leader);
  }

  /** The leader was promoted: all who were masters before it are succeeded, as far as anybody can have seen. */
  #remember(leader: Server): void {
    this.succeeded.delete(leader.name);
    if (leader.promotion === 0) return;
    for (const other of this.servers) {
      if (other === leader || !other.master || other.promotion >= leader.promotion) continue;
      const known = this.succeeded.get(other.name)?.id;
      const id = known ?? (other.id === leader.previous ? other.id : null);
      this.succeeded.set(other.name, {
        by: leader,
        byId: leader.id,
        promotion: leader.promotion,
        id,
        seenMs: this.nowMs,
      });
    }
  }
}

function play(seed: number): World {
  const random = seeded(seed * 2_654_435_761);
  const world = new World(3 + Math.floor(random() * 2));
  const any = (): Server => world.servers[Math.floor(random() * world.servers.length)]!;
  const seldom = random() < 0.3;
  for (let step = 0; step < 120; step++) {
    const dice = random();
    const server = any();
    if (dice < 0.12) world.promote(server);
    else if (dice < 0.2) world.kill(server);
    else if (dice < 0.4) world.restart(server, random() < 0.5);
    else if (dice < 0.48) {
      server.hidden = !server.hidden;
      server.hiddenMs = world.nowMs;
      world.tell(`${server.name} is ${server.hidden ? 'out of' : 'in'} sight`);
    } else world.pass(random() * 3000);
    if (random() < (seldom ? 0.15 : 0.8)) world.look();
  }
  return world;
}

it('never writes to a Pod that one which was seen to lead has succeeded', () => {
  let writes = 0;
  for (let seed = 1; seed <= 4000; seed++) writes += play(seed).writes;
  // The model is one in which there is mostly a leader, not one that refuses everything.
  expect(writes).toBeGreaterThan(4000 * 20);
});
