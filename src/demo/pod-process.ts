import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PodOrder, PodReport, PodSpec } from './pod.ts';

/** One Pod of the demo: a process of the same program, told by its environment which Pod to be. */
export class PodProcess {
  readonly name: string;
  port = 0;
  leads = false;
  readonly #program: string;
  readonly #logFile: string;
  #child: ChildProcess | null = null;

  constructor(name: string, folder: string, program: string) {
    this.name = name;
    this.#program = program;
    this.#logFile = join(folder, `${name}.log`);
  }

  get running(): boolean {
    return this.#child !== null;
  }

  /** Starts the process, or starts it again with the same log. Rejects where it ends before it listens. */
  async start(term: number | null): Promise<void> {
    const spec: PodSpec = { name: this.name, logFile: this.#logFile, term };
    const child = fork(this.#program, [], {
      env: { ...process.env, HEADROUTE_DEMO_POD: JSON.stringify(spec) },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child = child;
    child.once('exit', () => {
      if (this.#child === child) this.#child = null;
      this.leads = false;
    });
    const report = await nextReport(child, this.name);
    this.port = 'port' in report ? report.port : 0;
    this.leads = term !== null;
  }

  /** Makes it the leader of a term; resolves once it is. */
  async promote(term: number): Promise<void> {
    const child = this.#child;
    if (child === null) throw new Error(`${this.name} is not running`);
    const order: PodOrder = { promote: term };
    child.send(order);
    await nextReport(child, this.name);
    this.leads = true;
  }

  /** SIGKILL, as a node that dies; resolves once it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** The ids in its log, in order of writing. */
  log(): string[] {
    return readFileSync(this.#logFile, 'utf8').split('\n').filter(Boolean);
  }
}

function nextReport(child: ChildProcess, name: string): Promise<PodReport> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error(`Pod ${name} ended before it answered`));
    child.once('exit', onExit);
    child.once('error', reject);
    child.once('message', (message) => {
      child.off('exit', onExit);
      resolve(message as PodReport);
    });
  });
}
