import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Changes, poll } from '../../helpers/waiting.ts';
import { sampleValue } from '../../observe/exposition.ts';
import type { Document } from './stage.ts';

/** The built program, as users run it. */
export const PROGRAM = 'dist/headroute.js';

export interface LogLine {
  readonly level: string;
  readonly time: string;
  readonly msg: string;
  readonly [key: string]: unknown;
}

export interface Exit {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface SidecarOptions {
  /** The file to run on; default: one made from the document. */
  readonly file?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What it is started by, as in `nsenter -n -t 1 node dist/headroute.js …`. */
  readonly launcher?: readonly string[];
}

/** Of `/state` what these tests look at. */
export interface State {
  readonly snapshot: number;
  readonly configHash: string;
  readonly listeners: { name: string; port: number; connections: number; draining: boolean }[];
  readonly tunnels: { listener: string; backend: string; rule: string; open: number; draining: number }[];
  readonly held: Record<string, number>;
  readonly backends: {
    name: string;
    leadership: { state: string; leader: string | null };
    pods: { name: string; port: number; state: string; reason: string }[];
  }[];
}

/** `headroute run` in a process of its own. Ports are chosen by the system and read from its first log line. */
export class Sidecar {
  readonly file: string;
  readonly folder = mkdtempSync(join(tmpdir(), 'headroute-app-'));
  /** Everything on stderr. */
  stderr = '';
  stdout = '';
  readonly logs: LogLine[] = [];
  /** Lines of stderr that are no JSON objects. */
  readonly otherLines: string[] = [];
  exit: Exit | null = null;
  readonly #child: ChildProcess;
  readonly #changes = new Changes();
  #partial = '';

  /** Starts it and returns at once. */
  constructor(document: Document | string | null, options: SidecarOptions = {}) {
    this.file = options.file ?? join(this.folder, 'headroute.yaml');
    if (document !== null) this.write(document);
    const [command, ...args] = [...(options.launcher ?? []), process.execPath, PROGRAM, 'run', '--config'];
    this.#child = spawn(command!, [...args, this.file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
    });
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    this.#child.once('close', (status, signal) => {
      this.exit = { status, signal };
      this.#changes.changed();
    });
  }

  /** Starts it and waits until it listens. */
  static async start(document: Document | string | null, options?: SidecarOptions): Promise<Sidecar> {
    const sidecar = new Sidecar(document, options);
    try {
      await sidecar.log('headroute has started');
    } catch (error) {
      await sidecar.dispose();
      throw error;
    }
    return sidecar;
  }

  /** Writes the configuration as editors do: aside, then renamed. */
  write(document: Document | string): void {
    const aside = join(this.folder, '.next');
    writeFileSync(aside, typeof document === 'string' ? document : stringify(document));
    renameSync(aside, this.file);
  }

  #take(text: string): void {
    this.stderr += text;
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop()!;
    for (const line of lines) {
      try {
        this.logs.push(JSON.parse(line) as LogLine);
      } catch {
        this.otherLines.push(line);
      }
    }
    this.#changes.changed();
  }

  /** The nth log line (from 1) whose `msg` holds this text; fails where the process ends before. */
  log(msg: string, n = 1, withinMs = 8000): Promise<LogLine> {
    return this.#changes.until(
      () => {
        const found = this.logs.filter((line) => line.msg.includes(msg))[n - 1];
        if (found === undefined && this.exit !== null)
          throw new Error(`ended with ${JSON.stringify(this.exit)}:\n${this.stderr}`);
        return found;
      },
      () => `log line ${JSON.stringify(msg)} (${n}); so far:\n${this.stderr.slice(-3000)}`,
      withinMs,
    );
  }

  count(msg: string): number {
    return this.logs.filter((line) => line.msg.includes(msg)).length;
  }

  /** Its end, with everything that it wrote. */
  exited(withinMs = 8000): Promise<Exit> {
    return this.#changes.until(
      () => this.exit,
      () => `the process to end; so far:\n${this.stderr.slice(-3000)}`,
      withinMs,
    );
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Nobody reads its stdout and stderr any more. */
  closeStreams(): void {
    this.#child.stdout!.destroy();
    this.#child.stderr!.destroy();
  }

  get #started(): LogLine {
    const line = this.logs.find(({ msg }) => msg === 'headroute has started');
    if (line === undefined) throw new Error(`not started:\n${this.stderr}`);
    return line;
  }

  /** host:port */
  get admin(): string {
    return this.#started.admin as string;
  }

  get debug(): string {
    return this.#started.debug as string;
  }

  /** host:port of a listener, as of the start. */
  address(listener = 'app'): string {
    const found = (this.#started.listeners as string[]).find((text) => text.startsWith(`${listener} `));
    if (found === undefined) throw new Error(`no listener ${listener} in ${JSON.stringify(this.#started)}`);
    return found.slice(listener.length + 1);
  }

  port(listener = 'app'): number {
    return Number(/\d+$/.exec(this.address(listener)));
  }

  get url(): string {
    return `http://${this.address()}`;
  }

  async state(): Promise<State> {
    return (await (await fetch(`http://${this.debug}/state`)).json()) as State;
  }

  async readyz(): Promise<{ status: number; reason: string }> {
    const response = await fetch(`http://${this.admin}/readyz`);
    return { status: response.status, reason: await response.text() };
  }

  async scrape(): Promise<string> {
    return (await fetch(`http://${this.admin}/metrics`)).text();
  }

  /** The value of one series, 0 where there is none. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    return sampleValue(await this.scrape(), name, labels) ?? 0;
  }

  /** Asked again until `check` holds; for what has no event. */
  until<T>(ask: () => Promise<T | false | null | undefined>, what: string, withinMs = 5000): Promise<T> {
    return poll(ask, () => `${what}\n${this.stderr.slice(-2000)}`, withinMs);
  }

  /** Waits until so many Pods of a backend are in this state. */
  async pods(count: number, state = 'ready', backend = 'db'): Promise<void> {
    await this.until(async () => {
      const pods = (await this.state()).backends.find(({ name }) => name === backend)?.pods ?? [];
      return pods.filter((pod) => pod.state === state).length === count;
    }, `${count} Pods of ${backend} are ${state}`);
  }

  /** Ends the process, whatever it does, and removes its folder. */
  async dispose(): Promise<void> {
    if (this.exit === null) {
      const gone = once(this.#child, 'close');
      this.#child.kill('SIGKILL');
      await gone;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
