import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { PROGRAM } from './sidecar.ts';

export interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly program?: string;
}

/** Runs one command of the built program to its end. It inherits no HEADROUTE_ variable. */
export async function headroute(args: readonly string[], options: CommandOptions = {}): Promise<Result> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('HEADROUTE_'));
  const child = spawn(process.execPath, [options.program ?? PROGRAM, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(inherited), ...options.env },
    ...(options.uid === undefined ? {} : { uid: options.uid, cwd: '/' }),
    timeout: 15_000,
    killSignal: 'SIGKILL',
  });
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { status: status as number | null, stdout, stderr };
}
