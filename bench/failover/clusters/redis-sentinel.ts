import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../../test/system/support/eventually.ts';
import { freePorts } from '../../../test/system/support/ports.ts';
import { SENTINELS } from '../leaders.ts';
import { listed, RedisNode } from './redis-node.ts';

const { master: MASTER } = SENTINELS;

/** A Redis master with two replicas and three Sentinels, a Sentinel beside each server as in a Pod. */
export class RedisCluster {
  readonly nodes: readonly RedisNode[];
  readonly sentinels: readonly RedisNode[];
  readonly #folder = mkdtempSync(join(tmpdir(), 'headroute-sentinel-'));

  static async start(hosts: readonly string[]): Promise<RedisCluster> {
    const [port, sentinelPort] = await freePorts(2, hosts);
    return new RedisCluster(hosts, port!, sentinelPort!);
  }

  private constructor(hosts: readonly string[], port: number, sentinelPort: number) {
    // Its own defaults but for the delay, during which a replica only waits for others.
    const server = ['repl-diskless-sync-delay 0', 'loglevel warning'];
    this.nodes = hosts.map((host, n) => {
      const role = n === 0 ? [] : [`replicaof ${hosts[0]} ${port}`];
      return new RedisNode(`redis-${n}`, host, port, join(this.#folder, `redis-${n}`), [...server, ...role]);
    });
    const sentinel = [
      `sentinel monitor ${MASTER} ${hosts[0]} ${port} 2`,
      `sentinel down-after-milliseconds ${MASTER} 1500`,
      // Rounds follow each other sooner than the default of three minutes lets failovers do.
      `sentinel failover-timeout ${MASTER} 10000`,
    ];
    this.sentinels = hosts.map((host, n) => {
      const folder = join(this.#folder, `sentinel-${n}`);
      return new RedisNode(`sentinel-${n}`, host, sentinelPort, folder, sentinel, ['--sentinel']);
    });
  }

  node(name: string): RedisNode {
    return this.nodes.find((node) => node.name === name)!;
  }

  /** Waits until one is the master, the others are its replicas, and every Sentinel knows and has no doubt. */
  settled(): Promise<string> {
    return eventually(
      async () => {
        const roles = await Promise.all(this.nodes.map((node) => node.ask('ROLE')));
        const masters = this.nodes.filter((_, n) => roles[n]!.includes('master'));
        const [master] = masters;
        if (master === undefined || masters.length > 1) throw new Error(`${masters.length} masters`);
        const following = roles.filter((r) => r.includes(master.host) && r.includes('connected'));
        if (following.length < 2) throw new Error(`${following.length} replicas`);
        for (const sentinel of this.sentinels) await this.#isContent(sentinel, master);
        return master.name;
      },
      'Redis has one master and Sentinel is content',
      60_000,
    );
  }

  /** @throws where this Sentinel knows another master, or misses somebody */
  async #isContent(sentinel: RedisNode, master: RedisNode): Promise<void> {
    const known = await sentinel.ask(`SENTINEL GET-MASTER-ADDR-BY-NAME ${MASTER}`);
    const replicas = listed(await sentinel.ask(`SENTINEL REPLICAS ${MASTER}`));
    const quorum = await sentinel.ask(`SENTINEL CKQUORUM ${MASTER}`);
    const up = replicas.filter((value, n) => replicas[n - 1] === 'flags' && value === 'slave');
    if (!known.includes(master.host) || up.length < 2 || !quorum.startsWith('+OK 3 '))
      throw new Error(`${sentinel.name}: ${listed(known)}, ${up.length} replicas, ${quorum}`);
  }

  /** A planned failover, as the Sentinels do it. */
  async failover(): Promise<void> {
    await eventually(async () => {
      const answer = await this.sentinels[0]!.ask(`SENTINEL FAILOVER ${MASTER}`);
      if (answer !== '+OK') throw new Error(answer);
      return true;
    }, 'Sentinel begins a failover');
  }

  /** The value of each key of the prefix, which counts its writes, as the master has it. */
  async readBack(prefix: string): Promise<Map<string, number>> {
    const master = this.node(await this.settled());
    const keys = listed(await master.ask(`KEYS ${prefix}*`));
    const found = new Map<string, number>();
    for (let at = 0; at < keys.length; at += 500) {
      const some = keys.slice(at, at + 500);
      const values = listed(await master.ask(`MGET ${some.join(' ')}`));
      for (const [n, key] of some.entries()) found.set(key, Number(values[n]));
    }
    return found;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.sentinels, ...this.nodes].map((node) => node.kill()));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
