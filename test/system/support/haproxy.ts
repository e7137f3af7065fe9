import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool, toolEnvironment } from '../../../scripts/servers/location.mjs';
import { RawClient } from '../../helpers/raw-client.ts';
import { pause } from '../../helpers/waiting.ts';

const NAME = 'haproxy';

/** `2.6.12-1+deb12u4`. Fails where HAProxy is not installed, and says how to. */
export function haproxyVersion(): string {
  const text = execFileSync(requireTool(NAME), ['-v'], { encoding: 'utf8', env: environment() });
  return /version ([^ ]+)/.exec(text)?.[1] ?? text;
}

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, ...toolEnvironment(NAME) };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** HAProxy with its defaults in front of one server, on loopback. */
export async function startHaproxy(target: number): Promise<{ port: number; close(): void }> {
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'headroute-haproxy-'));
  const file = join(dir, 'haproxy.cfg');
  writeFileSync(
    file,
    `global
  nbthread 1
defaults
  mode http
  timeout connect 1s
  timeout client 2s
  timeout server 2s
  timeout http-request 1s
  retries 0
listen l
  bind 127.0.0.1:${port}
  server s 127.0.0.1:${target}
`,
  );
  const child: ChildProcess = spawn(requireTool(NAME), ['-q', '-db', '-f', file], {
    stdio: 'ignore',
    env: environment(),
  });
  for (let tries = 0; ; tries++) {
    try {
      (await RawClient.connect(port)).destroy();
      break;
    } catch (error) {
      if (tries > 200) throw error;
      await pause(10);
    }
  }
  return {
    port,
    close() {
      child.kill('SIGKILL');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
