import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import type { Life } from '../checks/record.ts';
import { machineMs } from '../monotonic.ts';
import { type Faults, NO_FAULTS } from '../pod/faults.ts';
import type { PodEvent } from '../pod/log.ts';
import type { PodOptions } from '../pod/messages.ts';
import type { Coordinator } from './coordinator.ts';

export interface PodPlace {
  readonly host: string;
  readonly dataPort: number;
  readonly probePort: number;
}

/** A Pod from the harness's side: one name, one process at a time. */
export class PodHandle {
  readonly name: string;
  readonly logFile: string;
  place: PodPlace;
  faults: Faults = NO_FAULTS;
  readonly #program: string;
  readonly #coordinator: Coordinator;
  /** When each life was ended, by its number. */
  readonly #endedMs = new Map<number, number>();
  #incarnation = 0;
  #child: ChildProcess | null = null;

  constructor(name: string, place: PodPlace, folder: string, program: string, coordinator: Coordinator) {
    this.name = name;
    this.place = place;
    this.logFile = `${folder}/${name}.log`;
    this.#program = program;
    this.#coordinator = coordinator;
  }

  get isUp(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts its process; it answers probes a moment later. */
  start(): void {
    if (this.isUp) return;
    const options: PodOptions = {
      name: this.name,
      incarnation: ++this.#incarnation,
      ...this.place,
      coordinatorPort: this.#coordinator.port,
      logFile: this.logFile,
      faults: this.faults,
    };
    this.#child = spawn(process.execPath, [this.#program, JSON.stringify(options)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    if (this.isUp) this.#child!.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (!this.isUp || child === null) return;
    await this.#end(child, this.#incarnation);
  }

  /**
   * A process of the same name at another address, while the one before stands still and is not gone yet: a Pod that was
   * recreated on another node. @returns ends the one before
   */
  recreate(place: PodPlace): () => Promise<void> {
    const before = this.#child;
    const incarnation = this.#incarnation;
    if (this.isUp) before!.kill('SIGSTOP');
    this.#child = null;
    this.place = place;
    this.start();
    return async () => {
      if (before !== null && before.exitCode === null && before.signalCode === null)
        await this.#end(before, incarnation);
    };
  }

  async #end(child: ChildProcess, incarnation: number): Promise<void> {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    this.#endedMs.set(incarnation, machineMs());
  }

  set(faults: Partial<Faults>): void {
    this.faults = { ...this.faults, ...faults };
    this.#coordinator.send(this.name, { is: 'faults', faults: this.faults });
  }

  /** Everything that it has logged, by life. A line cut by a kill is left out. */
  lives(): Life[] {
    const lives: { pod: string; host: string; events: PodEvent[]; endMs: number }[] = [];
    if (!existsSync(this.logFile)) return lives;
    const lines = readFileSync(this.logFile, 'utf8').split('\n');
    lines.pop();
    // Two lives may overlap where one stands still: the later one writes on.
    for (const line of lines) {
      const event = JSON.parse(line) as PodEvent;
      if (event.e === 'up') {
        const endMs = this.#endedMs.get(event.incarnation) ?? Number.POSITIVE_INFINITY;
        lives.push({ pod: this.name, host: event.host, events: [], endMs });
      }
      lives.at(-1)?.events.push(event);
    }
    return lives;
  }
}
