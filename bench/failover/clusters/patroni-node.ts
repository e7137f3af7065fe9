import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Child } from '../../../test/system/support/child.ts';
import { eventually } from '../../../test/system/support/eventually.ts';

/** Patroni and its PostgreSQL of one node, found by the folder of their data, to be killed and started again as they were. */
export class PatroniNodeProcesses {
  readonly #postmaster: number;
  readonly #patroni: readonly number[];
  readonly #command: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #user: number;

  /** @param dataDirectory as the server itself names it */
  constructor(dataDirectory: string) {
    const config = join(dirname(dataDirectory), 'patroni.json');
    this.#patroni = readdirSync('/proc').flatMap((name) =>
      /^\d+$/.test(name) && partsOf(name, 'cmdline').includes(config) ? [Number(name)] : [],
    );
    const first = String(this.#patroni[0]);
    this.#command = partsOf(first, 'cmdline');
    this.#env = Object.fromEntries(partsOf(first, 'environ').map((line) => line.split(/=(.*)/s).slice(0, 2)));
    this.#user = statSync(`/proc/${first}`).uid;
    this.#postmaster = Number(readFileSync(join(dataDirectory, 'postmaster.pid'), 'utf8').split('\n')[0]);
  }

  /** Both, as a machine that is gone takes them along: neither can give the lock back. */
  async kill(): Promise<void> {
    const all = [...this.#patroni, this.#postmaster];
    for (const pid of all) process.kill(pid, 'SIGKILL');
    await eventually(
      async () => all.every((pid) => partsOf(String(pid), 'cmdline').length === 0),
      'it is gone',
    );
  }

  restart(): Child {
    const [program, ...args] = this.#command;
    const user = this.#user === process.getuid?.() ? undefined : this.#user;
    return new Child('patroni', program!, args, this.#env, user);
  }
}

/** Texts of a file of /proc that are ended by a zero each; none where the process is gone. */
function partsOf(pid: string, file: 'cmdline' | 'environ'): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}
