import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool, toolEnvironment } from '../../../scripts/servers/location.mjs';
import { Child } from '../../../test/system/support/child.ts';
import { eventually } from '../../../test/system/support/eventually.ts';
import { freePorts } from '../../../test/system/support/ports.ts';
import { kept } from '../running.ts';

export interface HaproxyBackend {
  readonly mode: 'http' | 'tcp';
  /** host:port of each node. */
  readonly nodes: readonly string[];
  /** Lines that say how a node is asked whether it leads. */
  readonly check: readonly string[];
  /** Beside the timers on each server line. */
  readonly server?: string;
}

/**
 * HAProxy as it holds best, which it has no setting for: while no node is up, a connection goes to a backup server that refuses,
 * is tried again every `timeout connect`, and finds the next leader as soon as a check does (`redispatch 1`).
 */
export async function startHaproxy({ mode, nodes, check, server = '' }: HaproxyBackend): Promise<string> {
  // Nobody listens on the second.
  const [port, refusing] = await freePorts(2);
  const folder = mkdtempSync(join(tmpdir(), 'headroute-haproxy-'));
  const file = join(folder, 'haproxy.cfg');
  const lines = [
    'global',
    '  nbthread 1',
    'defaults',
    `  mode ${mode}`,
    '  timeout connect 100ms',
    '  timeout client 60s',
    '  timeout server 60s',
    'frontend f',
    `  bind 127.0.0.1:${port}`,
    '  default_backend b',
    'backend b',
    '  retries 300',
    '  option redispatch 1',
    ...check.map((line) => `  ${line}`),
    `  default-server check inter 200ms fall 1 rise 1 ${server}`,
    ...nodes.map((node, n) => `  server s${n} ${node}`),
    `  server none 127.0.0.1:${refusing} backup no-check`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const child = new Child(
    'haproxy',
    requireTool('haproxy'),
    ['-q', '-db', '-f', file],
    toolEnvironment('haproxy'),
  );
  await kept({
    async stop() {
      await child.end('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  });
  await eventually(async () => {
    child.assertRunning();
    return accepts(port!);
  }, 'HAProxy accepts');
  return `127.0.0.1:${port}`;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
