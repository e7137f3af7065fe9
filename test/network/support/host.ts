import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

const FAR = 'up0';
const MAX_LINKS = 250;

/** Another host: a network namespace with one link to this one. Root there or here is not needed beyond the test's own namespace. */
export class Host {
  /** Its address, and this side's on the link. */
  readonly address: string;
  readonly gateway: string;
  /** Puts a command there: `[...launcher, 'node', …]`. */
  readonly launcher: readonly string[];
  readonly #holder: ChildProcess;
  readonly #device: string;
  readonly #programs: ChildProcess[] = [];

  private constructor(holder: ChildProcess, number: number) {
    this.#holder = holder;
    this.#device = `host${number}`;
    this.address = `10.77.${number}.2`;
    this.gateway = `10.77.${number}.1`;
    this.launcher = ['nsenter', '-n', '-t', `${holder.pid}`];
  }

  /** @throws where the test has no network namespace of its own, as `npm run test:network` gives it one */
  static async start(): Promise<Host> {
    if (process.env.OWN_NETWORK !== '1')
      throw new Error(
        'this needs a network namespace of its own: npm run test:network, where one may be made',
      );
    const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo there; exec sleep 600'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(holder.stdout!, 'data');
    const host = new Host(holder, link(holder.pid!));
    ip('addr', 'add', `${host.gateway}/24`, 'dev', host.#device);
    ip('link', 'set', host.#device, 'up');
    host.run('ip', 'addr', 'add', `${host.address}/24`, 'dev', FAR);
    host.run('ip', 'link', 'set', 'lo', 'up');
    host.run('ip', 'link', 'set', FAR, 'up');
    host.run('ip', 'route', 'add', 'default', 'via', host.gateway);
    return host;
  }

  /** Runs a command there to its end. */
  run(...command: readonly string[]): void {
    const [file, ...args] = [...this.launcher, ...command];
    execFileSync(file!, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  }

  /** Starts a program of test/network/support there; it is ready when it has said a line, which is returned. */
  async program(file: string, ...args: readonly string[]): Promise<{ line: string; child: ChildProcess }> {
    const [command, ...rest] = [...this.launcher, process.execPath, `test/network/support/${file}`, ...args];
    const child = spawn(command!, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#programs.push(child);
    const [line] = (await once(child.stdout!.setEncoding('utf8'), 'data')) as [string];
    return { line: line.trim(), child };
  }

  /** From now on nothing comes from there and nothing that goes there is heard of again, as when a node dies behind a router. */
  vanish(): void {
    const links = JSON.parse(
      execFileSync(this.launcher[0]!, [...this.launcher.slice(1), 'ip', '-j', 'link', 'show', FAR], {
        encoding: 'utf8',
      }),
    ) as [{ address: string }];
    ip('neigh', 'replace', this.address, 'lladdr', links[0].address, 'dev', this.#device, 'nud', 'permanent');
    this.run('ip', 'addr', 'del', `${this.address}/24`, 'dev', FAR);
  }

  /** Ends what runs there; the namespace and its link go with its last process. */
  stop(): void {
    for (const program of this.#programs) program.kill('SIGKILL');
    this.#holder.kill('SIGKILL');
  }
}

/** A link to that process's namespace. @returns its number: test files share their namespace and run side by side */
function link(pid: number): number {
  for (let number = 1; number <= MAX_LINKS; number++) {
    const name = `host${number}`;
    const made = spawnSync('ip', [
      'link',
      'add',
      name,
      'type',
      'veth',
      'peer',
      'name',
      FAR,
      'netns',
      `${pid}`,
    ]);
    if (made.status === 0) return number;
    if (!made.stderr.toString().includes('exists')) throw new Error(made.stderr.toString());
  }
  throw new Error('too many links');
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
