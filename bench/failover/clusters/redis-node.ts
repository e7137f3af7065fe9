import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireTool, toolEnvironment } from '../../../scripts/servers/location.mjs';
import { Child } from '../../../test/system/support/child.ts';
import { askOnce } from '../../../test/system/support/redis.ts';

/** A redis-server, or a Sentinel, with a file of its own, which Sentinel has it rewrite. */
export class RedisNode {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly #file: string;
  readonly #flags: readonly string[];
  #child: Child;

  /**
   * @param folder of its own, to be made
   * @param lines of its file beside address and folder
   */
  constructor(
    name: string,
    host: string,
    port: number,
    folder: string,
    lines: readonly string[],
    flags: readonly string[] = [],
  ) {
    this.name = name;
    this.host = host;
    this.port = port;
    this.#file = join(folder, 'redis.conf');
    this.#flags = flags;
    mkdirSync(folder, { recursive: true });
    // On loopback its peers would see it come from 127.0.0.1.
    const own = [
      `bind ${host}`,
      `bind-source-addr ${host}`,
      `port ${port}`,
      `dir ${folder}`,
      'protected-mode no',
      'daemonize no',
    ];
    writeFileSync(this.#file, `${[...own, ...lines].join('\n')}\n`);
    this.#child = this.#run();
  }

  #run(): Child {
    const args = [this.#file, ...this.#flags];
    return new Child(this.name, requireTool('redis-server'), args, toolEnvironment('redis-server'));
  }

  /** As `askOnce`. */
  ask(command: string): Promise<string> {
    return askOnce(this, command);
  }

  async leads(): Promise<boolean> {
    return (await this.ask('ROLE')).includes('master');
  }

  /** With the files that it had. */
  restart(): void {
    this.#child = this.#run();
  }

  async kill(): Promise<void> {
    await this.#child.end('SIGKILL');
  }
}

/** The values of an answer that is a list of texts. */
export function listed(answer: string): string[] {
  return answer.split('\r\n').filter((line) => !/^[$*]/.test(line));
}
