import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Hopeless } from './eventually.ts';

/** A server under test or beside it: its output is kept for the message of a failure, and it never outlives the test file. */
export class Child {
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  #output = '';

  /** @param user id of the user and group that it runs as; undefined: this process's */
  constructor(
    name: string,
    command: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
    user?: number,
  ) {
    this.#name = name;
    this.#process = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(user === undefined ? {} : { uid: user, gid: user }),
    });
    this.#exited = once(this.#process, 'close');
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-20_000);
      });
    }
    const killWithTests = () => this.#process.kill('SIGKILL');
    process.once('exit', killWithTests);
    this.#exited.then(
      () => process.off('exit', killWithTests),
      () => {},
    );
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get output(): string {
    return this.#output;
  }

  /** Throws where the process is gone: a wait for its readiness need not go on. */
  assertRunning(): void {
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== null || signalCode !== null) {
      throw new Hopeless(`${this.#name} ended (${exitCode ?? signalCode}): ${this.#output.slice(-2000)}`);
    }
  }

  /** Sends the signal and waits for the end; the exit status, null where a signal ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.#process.kill(signal);
    await this.#exited;
    return this.#process.exitCode;
  }
}
