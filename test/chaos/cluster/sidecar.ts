import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { pause } from '../../helpers/waiting.ts';
import { machineMs } from '../monotonic.ts';
import type { HookMessage } from './sidecar-hooks.ts';

export interface SidecarPorts {
  readonly http: number;
  readonly tcp: number;
  readonly debug: number;
  readonly admin: number;
}

/** Of `/state` what the harness looks at. */
export interface SidecarState {
  readonly tunnels: readonly { readonly open: number }[];
  readonly held: Readonly<Record<string, number>>;
  readonly backends: readonly {
    readonly leadership: {
      readonly state: string;
      readonly leader: string | null;
      readonly term: string | null;
    };
    readonly pods: readonly { readonly name: string; readonly state: string }[];
  }[];
}

/** A time in which a life of a sidecar knew of no single leader, by its own log. */
export interface Leaderless {
  readonly run: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** A life of the process that did not end as it was told to. */
export interface BadEnd {
  readonly run: string;
  readonly what: string;
}

/** The built program in a process of its own, restarted at the same addresses. */
export class Sidecar {
  readonly index: number;
  readonly host: string;
  readonly ports: SidecarPorts;
  readonly badEnds: BadEnd[] = [];
  /** The lives it has had. */
  lives = 0;
  /** It was told to stop or was stopped: connections may be refused. */
  isMeantToRun = false;
  readonly #folder: string;
  readonly #program: string;
  readonly #hooks: string;
  #child: ChildProcess | null = null;

  constructor(
    index: number,
    host: string,
    ports: SidecarPorts,
    folder: string,
    program: string,
    hooks: string,
  ) {
    this.index = index;
    this.host = host;
    this.ports = ports;
    this.#folder = folder;
    this.#program = program;
    this.#hooks = hooks;
  }

  /** Names this life of the process: what it has seen it knows only as long as it lives. */
  get run(): string {
    return `s${this.index}.${this.lives}`;
  }

  get #file(): string {
    return `${this.#folder}/sidecar-${this.index}.yaml`;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  write(config: unknown): void {
    const aside = `${this.#folder}/.next-${this.index}`;
    writeFileSync(aside, JSON.stringify(config, null, 1));
    renameSync(aside, this.#file);
  }

  async start(): Promise<void> {
    this.lives++;
    const log = openSync(`${this.#folder}/${this.run}.log`, 'a');
    const child = spawn(
      process.execPath,
      ['--import', this.#hooks, this.#program, 'run', '--config', this.#file],
      { stdio: ['ignore', 'ignore', log, 'ipc'] },
    );
    closeSync(log);
    this.#child = child;
    const { run } = this;
    child.on('error', () => {});
    child.on('exit', (code, signal) => {
      if (code !== 0) this.badEnds.push({ run, what: `ended with ${signal ?? code}` });
    });
    await this.#until(async () => (await this.#get(this.ports.admin, '/readyz')).status === 200, 'ready');
    this.isMeantToRun = true;
  }

  /** As Kubernetes stops it. @param withinMs longer than its `shutdown.timeout` */
  async stop(withinMs = 9000): Promise<void> {
    this.isMeantToRun = false;
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    const overdue = setTimeout(() => {
      this.badEnds.push({ run: this.run, what: `still runs ${withinMs} ms after SIGTERM` });
      child.kill('SIGKILL');
    }, withinMs);
    await gone;
    clearTimeout(overdue);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  hook(message: HookMessage): void {
    this.#child?.send(message, () => {});
  }

  async state(): Promise<SidecarState> {
    return (await (await this.#get(this.ports.debug, '/state')).json()) as SidecarState;
  }

  async metrics(): Promise<string> {
    return (await this.#get(this.ports.admin, '/metrics')).text();
  }

  descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** What this life has logged, its last 4,000 characters. */
  logs(): string {
    return readFileSync(`${this.#folder}/${this.run}.log`, 'utf8').slice(-4000);
  }

  /** When each life held what came, by its log; what lasts until its end is left out. */
  leaderless(): Leaderless[] {
    const found: Leaderless[] = [];
    // Log lines have the wall clock.
    const offMs = Date.now() - machineMs();
    for (let life = 1; life <= this.lives; life++) {
      const run = `s${this.index}.${life}`;
      let sinceMs: number | null = null;
      for (const line of readFileSync(`${this.#folder}/${run}.log`, 'utf8').split('\n')) {
        if (!line.includes('"leadership changed: ')) continue;
        const { time, state } = JSON.parse(line) as { time: string; state: string };
        const atMs = Date.parse(time) - offMs;
        if (state !== 'known') sinceMs ??= atMs;
        else {
          if (sinceMs !== null) found.push({ run, fromMs: sinceMs, toMs: atMs });
          sinceMs = null;
        }
      }
    }
    return found;
  }

  #get(port: number, path: string): Promise<Response> {
    return fetch(`http://${this.host}:${port}${path}`, { signal: AbortSignal.timeout(5000) });
  }

  async #until(check: () => Promise<boolean>, what: string): Promise<void> {
    const endMs = machineMs() + 15_000;
    while (!(await check().catch(() => false))) {
      const { exitCode, signalCode } = this.#child!;
      if (exitCode !== null || signalCode !== null || machineMs() > endMs)
        throw new Error(
          `${this.run} is not ${what} (${exitCode ?? signalCode ?? 'too late'}):\n${this.logs()}`,
        );
      await pause(20);
    }
  }
}
