import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface HttpProxy {
  readonly port: number;
  /** Whether the process ended since the last call; if so, a new one listens at the same port when this resolves. */
  ended(): Promise<boolean>;
  close(): void;
}

/** http-proxy in a process of its own (http-proxy-server.mjs), started again when an exchange ends it. */
export async function startHttpProxy(target: number): Promise<HttpProxy> {
  let port = 0;
  let child: ChildProcess;
  const start = (): Promise<void> =>
    new Promise((resolve, reject) => {
      child = fork(
        fileURLToPath(new URL('./http-proxy-server.mjs', import.meta.url)),
        [String(target), String(port)],
        {
          stdio: 'ignore',
          execArgv: ['--no-deprecation'],
        },
      );
      child.once('error', reject);
      child.once('message', (message: { port: number }) => {
        port = message.port;
        resolve();
      });
    });
  await start();
  return {
    get port() {
      return port;
    },
    async ended() {
      if (child.exitCode === null) return false;
      await start();
      return true;
    },
    close() {
      child.kill('SIGKILL');
    },
  };
}
