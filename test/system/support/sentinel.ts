import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool, toolEnvironment } from '../../../scripts/servers/location.mjs';
import { Child } from './child.ts';
import { eventually } from './eventually.ts';
import { askOnce, type RedisServer } from './redis.ts';

/** What Sentinels call the master. */
export const MASTER = 'mymaster';

/** A real Sentinel: redis-server in that mode, on an address of its own. */
export class Sentinel {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'headroute-sentinel-'));
  #child: Child;

  static async start(name: string, host: string, port: number, master: RedisServer): Promise<Sentinel> {
    const sentinel = new Sentinel(name, host, port, master);
    await eventually(async () => {
      sentinel.#child.assertRunning();
      return (await sentinel.ask('PING')) === '+PONG';
    }, `${name} answers`);
    return sentinel;
  }

  private constructor(name: string, host: string, port: number, master: RedisServer) {
    this.name = name;
    this.host = host;
    this.port = port;
    const lines = [
      `bind ${host}`,
      `port ${port}`,
      `dir ${this.#folder}`,
      'protected-mode no',
      `sentinel announce-ip ${host}`,
      `sentinel announce-port ${port}`,
      `sentinel monitor ${MASTER} ${master.host} ${master.port} 2`,
      `sentinel down-after-milliseconds ${MASTER} 1500`,
    ];
    writeFileSync(this.#file, `${lines.join('\n')}\n`);
    this.#child = this.#run();
  }

  get #file(): string {
    return join(this.#folder, 'sentinel.conf');
  }

  #run(): Child {
    const args = [this.#file, '--sentinel'];
    return new Child(this.name, requireTool('redis-server'), args, toolEnvironment('redis-server'));
  }

  get log(): string {
    return this.#child.output;
  }

  /** As `askOnce`. */
  ask(command: string): Promise<string> {
    return askOnce(this, command);
  }

  /** Host of the master that it names. */
  async names(): Promise<string> {
    return (await this.ask(`SENTINEL GET-MASTER-ADDR-BY-NAME ${MASTER}`)).split('\r\n')[2] ?? '';
  }

  /** A number or word out of what it says of the master. */
  async says(key: string): Promise<string> {
    const lines = (await this.ask(`SENTINEL MASTER ${MASTER}`)).split('\r\n');
    return lines[lines.indexOf(key) + 2] ?? '';
  }

  /** Whether so many Pods have told it that they are replicas, connected to their master; it asks them every 10 s. */
  async seesReplicas(count: number): Promise<boolean> {
    const lines = (await this.ask(`SENTINEL REPLICAS ${MASTER}`)).split('\r\n');
    const shows = (key: string, value: string) =>
      lines.filter((line, n) => line === key && lines[n + 2] === value).length === count;
    return shows('role-reported', 'slave') && shows('master-link-status', 'ok') && shows('flags', 'slave');
  }

  async stop(): Promise<void> {
    await this.#child.end('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
