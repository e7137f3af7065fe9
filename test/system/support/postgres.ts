import { type ExecFileException, execFile, execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { requireTool, toolEnvironment } from '../../../scripts/servers/location.mjs';
import { Child } from './child.ts';
import { eventually } from './eventually.ts';

/** PostgreSQL refuses to run as root. */
const NOBODY = 65534;

/** A real PostgreSQL with an empty cluster, for a user `app` without a password. */
export class Postgres {
  readonly port: number;
  readonly #folder: string;
  readonly #child: Child;

  static async start(port: number): Promise<Postgres> {
    const server = new Postgres(port);
    await eventually(async () => {
      server.#child.assertRunning();
      return (await psql(port, 'SELECT 1')).out === '1\n';
    }, 'PostgreSQL answers');
    return server;
  }

  private constructor(port: number) {
    this.port = port;
    this.#folder = mkdtempSync(join(tmpdir(), 'headroute-postgres-'));
    const user = process.getuid?.() === 0 ? NOBODY : undefined;
    if (user !== undefined) chownSync(this.#folder, user, user);
    chmodSync(this.#folder, 0o700);
    const as = user === undefined ? {} : { uid: user, gid: user };
    const data = join(this.#folder, 'data');
    execFileSync(program('initdb'), ['-D', data, '-U', 'app', '-A', 'trust', '--no-sync', '-E', 'UTF8'], {
      ...as,
      cwd: this.#folder,
      env: { ...process.env, ...toolEnvironment('postgres'), LC_ALL: 'C' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const options = ['-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', this.#folder, '-F'];
    this.#child = new Child(
      'postgres',
      program('postgres'),
      options,
      { ...toolEnvironment('postgres'), LC_ALL: 'C' },
      user,
    );
  }

  async stop(): Promise<void> {
    // SIGINT is its fast shutdown: SIGKILL would leave its children.
    await this.#child.end('SIGINT');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A program beside the server's. */
function program(name: string): string {
  return join(dirname(requireTool('postgres')), name);
}

export interface Said {
  readonly out: string;
  readonly error: string;
  readonly status: number;
}

/** psql with one script on its command line, or on its input where `input` is given; bare values, one a line. */
export function psql(port: number, script: string, input = ''): Promise<Said> {
  return run('psql', ['-XqtA', '-v', 'ON_ERROR_STOP=1', '-c', script], port, input);
}

export function pgbench(port: number, ...args: string[]): Promise<Said> {
  return run('pgbench', args, port, '');
}

function run(name: string, args: readonly string[], port: number, input: string): Promise<Said> {
  const connection = { PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: 'app', PGDATABASE: 'postgres' };
  const env = { ...process.env, ...toolEnvironment('postgres'), ...connection, PGCONNECT_TIMEOUT: '5' };
  return new Promise((resolve) => {
    const done = (error: ExecFileException | null, out: string, errors: string) =>
      resolve({ out, error: errors, status: error === null ? 0 : Number(error.code ?? 1) });
    const child = execFile(program(name), args, { env, maxBuffer: 2 ** 27, timeout: 30_000 }, done);
    child.stdin?.on('error', () => {}).end(input);
  });
}
