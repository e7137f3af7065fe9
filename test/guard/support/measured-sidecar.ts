import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Document } from '../../app/support/stage.ts';

/** What the process has done so far; differences of two are exact, for no collection runs between them. */
export interface Counts {
  /** read(2) and its like (proc(5), `syscr`). */
  readonly reads: number;
  readonly writes: number;
  /** Bytes. */
  readonly heap: number;
  readonly buffers: number;
  readonly collections: number;
}

/** New space so large that a measurement fits in without a collection; the figure is of each of its two halves, in MiB. */
const SEMI_SPACE_MIB = 256;

/** The built program in a process whose system calls and allocations can be counted. */
export class MeasuredSidecar {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #folder: string;

  static async start(document: Document): Promise<MeasuredSidecar> {
    const folder = mkdtempSync(join(tmpdir(), 'headroute-guard-'));
    const file = join(folder, 'headroute.yaml');
    writeFileSync(file, stringify(document));
    const flags = [
      '--expose-gc',
      `--min-semi-space-size=${SEMI_SPACE_MIB}`,
      `--max-semi-space-size=${SEMI_SPACE_MIB}`,
      // Interpreted, and collected in the main thread: when V8 optimises, and what it then leaves out, depends on the machine's load
      // (measured: 5.7 to 6.9 KB for the same request); what the code asks for does not (8,812 to 8,850 bytes).
      '--single-threaded',
      '--no-opt',
      '--no-sparkplug',
    ];
    const child = spawn(
      process.execPath,
      [
        ...flags,
        '--import',
        './test/guard/support/heap-answers.mjs',
        'dist/headroute.js',
        'run',
        '--config',
        file,
      ],
      { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] },
    );
    return new MeasuredSidecar(child, folder, await portOf(child));
  }

  private constructor(child: ChildProcess, folder: string, port: number) {
    this.#child = child;
    this.#folder = folder;
    this.port = port;
  }

  /** @param collect collects garbage first, so that none has to be collected for a while */
  async counts(collect: boolean): Promise<Counts> {
    this.#child.send(collect ? 'collect' : 'count');
    const [memory] = (await once(this.#child, 'message')) as [
      { heapUsed: number; arrayBuffers: number; collections: number },
    ];
    const io = readFileSync(`/proc/${this.#child.pid}/io`, 'utf8');
    const field = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(io)![1]);
    return {
      reads: field('syscr'),
      writes: field('syscw'),
      heap: memory.heapUsed,
      buffers: memory.arrayBuffers,
      collections: memory.collections,
    };
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null) {
      const gone = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await gone;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The listener's port, from the line that says that it has started. */
function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let log = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      const started = /"listeners":\["app 127\.0\.0\.1:(\d+)"\]/.exec(log);
      if (started !== null) resolve(Number(started[1]));
    });
    child.once('exit', (status) => reject(new Error(`headroute ended (${status}): ${log}`)));
  });
}
