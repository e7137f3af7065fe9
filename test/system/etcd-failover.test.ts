import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CoreDns } from './support/coredns.ts';
import { EtcdCluster } from './support/etcd.ts';
import { eventually } from './support/eventually.ts';
import { Headroute } from './support/headroute.ts';
import { KvClient } from './support/kv-client.ts';
import { type Write, Writer } from './support/writer.ts';

/**
 * A real etcd of three members behind a real CoreDNS, its leader killed with SIGKILL under load, again and again. Through headroute
 * (promises 1 and 6 of the README) next to the same writer on a fixed follower, which is what a plain Service gives a client.
 */

const KILLS = 5;
const WRITERS = 4;
const HOSTS = ['127.0.0.31', '127.0.0.32', '127.0.0.33'];
const SERVICE = 'etcd.prod.svc.cluster.local';

interface Round {
  readonly killed: string;
  readonly next: string;
  /** From the kill to the first acknowledgement of a write that was sent after it. */
  readonly gapMs: number;
  /** From the new leader's first claim, as seen from outside, to that acknowledgement. */
  readonly afterClaimMs: number;
  /** The longest that the writer on the follower waited for one answer. */
  readonly followerWorstMs: number;
  readonly followerErrors: readonly string[];
  /**
   * Writes that followers were asked for: both survivors before the kill, and over the whole round the one that did not become
   * the leader, less those of the writer on the follower.
   */
  readonly strayWrites: number;
}

let etcd: EtcdCluster;
let dns: CoreDns;
let headroute: Headroute;
let writers: Writer[] = [];
const rounds: Round[] = [];

beforeAll(async () => {
  etcd = await EtcdCluster.start(HOSTS);
  const pods = etcd.members.map(({ name, host }) => ({ name, a: host, port: etcd.clientPort }));
  dns = await CoreDns.start({ service: SERVICE, portName: 'client', ttlSeconds: 5, pods });
  headroute = await Headroute.start({
    backends: [
      {
        name: 'etcd',
        service: SERVICE,
        port: 'client',
        discovery: { nameservers: [dns.address] },
        health: { httpGet: { path: '/health' }, period: '1s' },
        leader: { type: 'Probe', preset: 'etcd' },
      },
    ],
    rules: [
      {
        name: 'reads',
        matches: [{ path: { type: 'Exact', value: '/v3/kv/range' } }],
        backendRefs: [{ name: 'etcd' }],
        selection: { type: 'Balance', over: 'Followers' },
      },
      { name: 'writes', backendRefs: [{ name: 'etcd' }], selection: { type: 'Leader' } },
    ],
  });
  writers = Array.from({ length: WRITERS }, (_, n) => new Writer(headroute.address, `w${n}/`, 3));
  for (let n = 0; n < KILLS; n++) rounds.push(await killTheLeader(n));
  await Promise.all(writers.map((writer) => writer.stop()));
  report();
}, 170_000);

afterAll(async () => {
  await Promise.all(writers.map((writer) => writer.stop()));
  await headroute?.stop();
  await dns?.stop();
  await etcd?.stop();
});

/** All members run and headroute knows the leader; then it is killed, and started again once another serves writes. */
async function killTheLeader(round: number): Promise<Round> {
  const killed = await etcd.leader();
  await eventually(
    async () => (await headroute.readyPods()).length === 3,
    'headroute holds all three for ready',
  );
  await eventually(async () => (await headroute.leader()) === killed, `headroute knows that ${killed} leads`);
  const survivors = etcd.members.map(({ name }) => name).filter((name) => name !== killed);
  const follower = survivors[round % survivors.length]!;
  const puts = () => Promise.all(survivors.map((name) => etcd.putsReceived(name)));
  const atFirst = await puts();
  const wanted = acknowledged().length + 100;
  await eventually(async () => acknowledged().length >= wanted, 'writes flow');
  const beforeTheKill = sum(await puts()) - sum(atFirst);

  const beside = new Writer(etcd.address(follower), `follower${round}/`, 3);
  await eventually(async () => beside.acknowledged.length >= 10, 'writes to the follower flow');
  const killedMs = performance.now();
  await etcd.kill(killed);
  const claim = etcd.leader().then((name) => ({ name, ms: performance.now() }));
  const first = await eventually(
    async () => acknowledged().find(({ sentMs }) => sentMs > killedMs),
    'a write sent after the kill is acknowledged',
  );
  const { name: next, ms: claimedMs } = await claim;
  etcd.run(killed);
  await etcd.healthy(killed);
  await eventually(
    async () => beside.acknowledged.at(-1)!.sentMs > killedMs,
    'the follower takes writes again',
  );
  await beside.stop();

  const bystander = survivors.find((name) => name !== next)!;
  const received = (await etcd.putsReceived(bystander)) - atFirst[survivors.indexOf(bystander)]!;
  return {
    killed,
    next,
    gapMs: first.doneMs - killedMs,
    afterClaimMs: first.doneMs - claimedMs,
    followerWorstMs: Math.max(...beside.writes.map(({ sentMs, doneMs }) => doneMs - sentMs)),
    followerErrors: beside.failed.map(whatHappened),
    strayWrites: beforeTheKill + received - (bystander === follower ? beside.writes.length : 0),
  };
}

const acknowledged = (): Write[] => writers.flatMap((writer) => [...writer.acknowledged]);
const failed = (): Write[] => writers.flatMap((writer) => [...writer.failed]);
const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0);

function whatHappened({ outcome }: Write): string {
  if (outcome instanceof Error) return outcome.message;
  const own = outcome.headers['x-headroute-failure'];
  return `${outcome.status} ${own === undefined ? outcome.body : `${own}, sent: ${outcome.headers['x-headroute-sent']}`}`;
}

/** For whoever reads the run: the measured difference. */
function report(): void {
  const lines = rounds.map(
    (r) =>
      `  ${r.killed} killed, ${r.next} leads: through headroute again after ${(r.gapMs / 1000).toFixed(2)} s, ${r.afterClaimMs.toFixed(0)} ms after the claim; ` +
      `on a fixed follower one write took ${(r.followerWorstMs / 1000).toFixed(2)} s${r.followerErrors.map((e) => `, ${e.trim()}`).join('')}`,
  );
  console.info(
    [`${acknowledged().length} writes acknowledged, ${failed().length} of unknown outcome`, ...lines].join(
      '\n',
    ),
  );
}

describe(`etcd, its leader killed ${KILLS} times under load`, () => {
  it('has another leader each time', () => {
    expect(rounds).toHaveLength(KILLS);
    for (const { killed, next } of rounds) expect(next).not.toBe(killed);
  });

  it('fails no write but those that had been sent to the killed Pod, and says so of them', () => {
    expect(
      [...new Set(failed().map(whatHappened))].filter((w) => w !== '502 upstream_reset, sent: true'),
    ).toEqual([]);
    expect(failed().length).toBeLessThanOrEqual(KILLS * WRITERS);
  });

  it('counts the same in its metrics', async () => {
    const failures = await headroute.samples('headroute_request_failures_total');
    const counted = failures.filter(({ value }) => value > 0);
    expect([...new Set(counted.map(({ labels }) => labels.failure))]).toEqual(
      failed().length === 0 ? [] : ['upstream_reset'],
    );
    expect(sum(counted.map(({ value }) => value))).toBe(failed().length);
  });

  it('reads every acknowledged write back, written exactly once, and none of the others twice', async () => {
    const client = new KvClient(headroute.address);
    const stored = await client.readAll('w');
    client.close();
    const wrong = acknowledged().filter(({ key }) => {
      const found = stored.get(key);
      return found?.value !== `value of ${key}` || found.version !== 1;
    });
    expect(acknowledged().length).toBeGreaterThan(KILLS * 100);
    expect(wrong.map(({ key }) => key)).toEqual([]);
    expect(failed().filter(({ key }) => (stored.get(key)?.version ?? 1) !== 1)).toEqual([]);
    expect(stored.size).toBeLessThanOrEqual(acknowledged().length + failed().length);
  });

  it('sends writes to the leader only: the followers were asked for none', () => {
    expect(rounds.map(({ strayWrites }) => strayWrites)).toEqual(rounds.map(() => 0));
  });

  it('holds no write longer than the failover, and lets them go within a probe round of the new claim', () => {
    const took = acknowledged().map(({ sentMs, doneMs }) => doneMs - sentMs);
    expect(Math.max(...took)).toBeLessThan(10_000);
    // A round is a period (1 s) and the time of one probe.
    expect(Math.max(...rounds.map(({ afterClaimMs }) => afterClaimMs))).toBeLessThan(1_500);
  });

  it('serves writes again sooner than a fixed follower, which hangs on to the dead leader', () => {
    const gaps = rounds.map(({ gapMs }) => gapMs);
    expect(Math.max(...gaps)).toBeLessThan(10_000);
    expect(Math.max(...gaps)).toBeLessThan(Math.max(...rounds.map(({ followerWorstMs }) => followerWorstMs)));
  });

  it('ends on SIGTERM with 0', async () => {
    expect(await headroute.stop()).toBe(0);
  });
});
