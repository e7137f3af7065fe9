import type { DnsBehaviour } from '../../../src/demo/dns-server.ts';
import type { Nemesis } from './contract.ts';
import { leaderOf } from './pods.ts';

/** Answers that say nothing, or not all: membership stays as it was. */
export const dnsFails: Nemesis = {
  name: 'dns-fails',
  harmless: true,
  async strike(scene) {
    const { cluster, random } = scene;
    const way = random.of(['SERVFAIL', 'REFUSED', 'silent', 'truncated', 'cut'] as const);
    scene.note(`DNS: ${way}`);
    const behaviour: DnsBehaviour =
      way === 'silent'
        ? { do: 'drop' }
        : way === 'truncated'
          ? { do: 'truncate', keep: 1 }
          : way === 'cut'
            ? { do: 'mangle', reply: (right) => right.subarray(0, Math.ceil(right.length / 2)) }
            : { do: 'rcode', rcode: way };
    // What does not fit is whole over TCP, most of the time.
    const overTcp = way !== 'truncated' || random.chance(0.3);
    cluster.dns.onQuery = ({ transport }) => (transport === 'udp' || overTcp ? behaviour : undefined);
    await scene.pause(random.between(1000, 2500));
    cluster.dns.onQuery = null;
    await scene.pause(random.between(200, 600));
  },
};

/** Every answer over UDP holds one Pod and says that there are more; over TCP they are whole. */
export const dnsTruncated: Nemesis = {
  name: 'dns-truncated',
  harmless: true,
  async strike(scene) {
    const { cluster, random } = scene;
    scene.note('DNS: truncated');
    cluster.dns.onQuery = ({ transport }) => (transport === 'udp' ? { do: 'truncate', keep: 1 } : undefined);
    await scene.pause(random.between(1500, 2500));
    cluster.dns.onQuery = null;
    await scene.pause(random.between(200, 600));
  },
};

/** An empty answer, shorter than it is believed. */
export const dnsEmpty: Nemesis = {
  name: 'dns-empty',
  harmless: true,
  async strike(scene) {
    scene.note('DNS: nobody');
    scene.cluster.publish([]);
    await scene.pause(scene.random.between(500, 1500));
    scene.cluster.publish();
    await scene.pause(scene.random.between(300, 700));
  },
};

/** A Pod leaves DNS and comes back, most of the time the leader. */
export const dnsVanishes: Nemesis = {
  name: 'dns-vanishes',
  async strike(scene) {
    const { cluster, random } = scene;
    const pod = random.chance(0.7) ? await leaderOf(scene) : random.of(cluster.pods);
    scene.note(`DNS: without ${pod.name}`);
    cluster.publish(cluster.pods.filter((other) => other !== pod));
    await scene.pause(random.between(600, 1800));
    scene.note(`DNS: with ${pod.name}`);
    cluster.publish();
    await scene.pause(random.between(300, 700));
  },
};

let places = 20;

/** The leader's node hangs and its Pod is made again elsewhere, under the same name: it leads no more. */
export const recreated: Nemesis = {
  name: 'recreated',
  async strike(scene) {
    const { cluster, random } = scene;
    const pod = await leaderOf(scene);
    const place = cluster.place((++places % 180) + 10);
    scene.note(`${pod.name} hangs and is made again at ${place.host}`);
    const end = pod.recreate(place);
    // DNS is told at once, or later: a stale answer.
    await scene.pause(random.of([0, 0, random.between(100, 800)]));
    cluster.publish();
    await scene.pause(random.between(900, 1600));
    await end();
    await scene.untilLed();
  },
};

/** Two Pods come again, each at the other's address; DNS is late. */
export const reused: Nemesis = {
  name: 'reused-address',
  async strike(scene) {
    const { cluster, random } = scene;
    const leader = await leaderOf(scene);
    const other = random.of(cluster.pods.filter((pod) => pod !== leader));
    scene.note(`${leader.name} and ${other.name} change addresses`);
    await Promise.all([leader.kill(), other.kill()]);
    [leader.place, other.place] = [other.place, leader.place];
    leader.start();
    other.start();
    await scene.pause(random.of([0, random.between(200, 1200)]));
    cluster.publish();
    await scene.pause(random.between(500, 1200));
    await scene.untilLed();
  },
};
