import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { poll } from '../../helpers/waiting.ts';
import { type Exit, PROGRAM, type State } from './sidecar.ts';
import { type Document, freePort, listener, type Scope } from './stage.ts';

/** What stderr is, and why what is written there goes nowhere. */
export type Unread =
  | 'a FIFO never read'
  | 'a full pipe'
  | 'a closed pipe'
  | 'a socket never read'
  | 'a stalled terminal';

/** `headroute run` whose log nobody reads. Its ports are chosen before, since no log line tells them. */
export class UnreadSidecar {
  readonly url: string;
  readonly admin: string;
  readonly debug: string;
  readonly #pid: number;
  readonly #end: Promise<Exit>;

  private constructor(ports: readonly number[], pid: number, end: Promise<Exit>) {
    [this.url, this.admin, this.debug] = ports.map((port) => `http://127.0.0.1:${port}`) as [
      string,
      string,
      string,
    ];
    this.#pid = pid;
    this.#end = end;
  }

  /** Starts it and waits until a Pod is ready. @param document makes the configuration from what is fixed here */
  static async start(
    scope: Scope,
    kind: Unread,
    document: (part: Document) => Document,
  ): Promise<UnreadSidecar> {
    for (let tries = 1; ; tries++) {
      const sidecar = await UnreadSidecar.#tryStart(scope, kind, document);
      if (sidecar !== null) return sidecar;
      // Somebody took one of its ports meanwhile; its log would say so.
      if (tries === 3) throw new Error('the sidecar has ended before a Pod was ready');
    }
  }

  /** @returns null: it has ended before */
  static async #tryStart(
    scope: Scope,
    kind: Unread,
    document: (part: Document) => Document,
  ): Promise<UnreadSidecar | null> {
    const folder = mkdtempSync(join(tmpdir(), 'headroute-unread-'));
    const ports = [await freePort(), await freePort(), await freePort()];
    const [data, admin, debug] = ports.map((port) => `127.0.0.1:${port}`);
    const file = join(folder, 'headroute.yaml');
    const fixed = {
      listeners: [listener({ address: data })],
      admin: { address: admin },
      debug: { address: debug },
      log: { access: true },
      shutdown: { timeout: '2s' },
    };
    writeFileSync(file, stringify(document(fixed)));
    const command = [process.execPath, PROGRAM, 'run', '--config', file];
    const { child, pid, end } = await started(kind, command, folder);
    scope.onTestFinished(async () => {
      if (child.exitCode === null && child.signalCode === null) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {}
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      rmSync(folder, { recursive: true });
    });
    const sidecar = new UnreadSidecar(ports, pid, end);
    let hasEnded = false;
    void end.then(() => {
      hasEnded = true;
    });
    await poll(() => hasEnded || sidecar.#hasReadyPod().catch(() => false), 'a ready Pod', 20_000);
    return hasEnded ? null : sidecar;
  }

  async #hasReadyPod(): Promise<boolean> {
    const { backends } = (await (await fetch(`${this.debug}/state`)).json()) as State;
    return backends[0]!.pods.some(({ state }) => state === 'ready');
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.#pid, signal);
  }

  /** Fails where it has not ended in time. */
  exited(withinMs: number): Promise<Exit> {
    let exit: Exit | null = null;
    void this.#end.then((end) => {
      exit = end;
    });
    return poll(() => exit, 'the end of the process', withinMs);
  }
}

interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly end: Promise<Exit>;
}

async function started(kind: Unread, command: readonly string[], folder: string): Promise<Started> {
  if (kind === 'a stalled terminal') return onTerminal(command, folder);
  if (kind === 'a socket never read') return plain(command, 'pipe');
  const fifo = join(folder, 'stderr');
  execFileSync('mkfifo', [fifo]);
  const both = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  const stderr = openSync(fifo, constants.O_WRONLY);
  if (kind === 'a full pipe') fill(both);
  const running = plain(command, stderr);
  closeSync(stderr);
  if (kind === 'a closed pipe') closeSync(both);
  else void running.end.then(() => closeSync(both));
  return running;
}

function plain([program, ...args]: readonly string[], stderr: 'pipe' | number): Started {
  const child = spawn(program!, args, { stdio: ['ignore', 'ignore', stderr] });
  const end = once(child, 'exit').then(([status, signal]) => ({ status, signal }) as Exit);
  return { child, pid: child.pid!, end };
}

/** script(1) gives it a terminal, and stops reading from that once its own output is full, as a terminal does on Ctrl-S. */
async function onTerminal(command: readonly string[], folder: string): Promise<Started> {
  const full = join(folder, 'full');
  execFileSync('mkfifo', [full]);
  const both = openSync(full, constants.O_RDWR | constants.O_NONBLOCK);
  fill(both);
  const out = openSync(full, constants.O_WRONLY);
  const pidFile = join(folder, 'pid');
  const line = `echo $$ > ${pidFile}; exec ${command.join(' ')}`;
  const child = spawn('script', ['-qec', line, '/dev/null'], { stdio: ['ignore', out, 'ignore'] });
  closeSync(out);
  const pid = await poll(() => pidIn(pidFile), 'its process id');
  // script itself waits for its own reader: what the command ended with is told by the kernel's table, before anybody reaps it.
  const end = poll(() => exitOf(pid), 'its end', 60_000).finally(() => closeSync(both));
  end.catch(() => {});
  return { child, pid, end };
}

/** null while it is not written. */
function pidIn(file: string): number | null {
  try {
    return Number(readFileSync(file, 'utf8')) || null;
  } catch {
    return null;
  }
}

/** Of a process that has ended and was not waited for: the last field of proc_pid_stat(5), as of waitpid(2). */
function exitOf(pid: number): Exit | null {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  if (fields[0] !== 'Z') return null;
  const code = Number(fields.at(-1));
  return { status: code >> 8, signal: (code & 0x7f) === 0 ? null : 'SIGKILL' };
}

function fill(fd: number): void {
  try {
    for (;;) writeSync(fd, 'x'.repeat(4096));
  } catch {}
}
