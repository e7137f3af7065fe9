// Starts servers for the benchmark, ends each of them whatever happens, and reads what a process used.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'headroute-bench-'));
// Started by root, nginx reads its files as another user.
chmodSync(folder, 0o755);
const children = new Set();
let ended = false;

/** Ends all that was started; safe at any time. */
export function endAll() {
  if (ended) return;
  ended = true;
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
process.on('exit', endAll);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

/** Writes a file of this run and says where. */
export function writeTemporary(name, text) {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

export const temporaryFolder = folder;

/** Starts a server and waits until it accepts on `port`. */
export async function startServer(command, args, port, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], ...options });
  children.add(child);
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    errors = (errors + text).slice(-4000);
  });
  child.once('exit', () => children.delete(child));
  const failed = new Promise((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${command} ended (${code}): ${errors}`)));
  });
  failed.catch(() => {});
  await Promise.race([failed, accepts(port)]);
  return child;
}

export async function stopServer(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

async function accepts(port) {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const ok = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (ok) return;
    if (performance.now() > deadline) throw new Error(`nothing accepts on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Ports of 127.0.0.1 that were free a moment ago, no two the same. */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

/** Where a command is, or null. */
export function which(command) {
  try {
    const path = `${process.env.PATH}:/usr/sbin:/usr/local/sbin`;
    return execFileSync('/bin/sh', ['-c', `command -v ${command}`], { env: { PATH: path } })
      .toString()
      .trim();
  } catch {
    return null;
  }
}

/** First line that a command prints of its version. */
export function versionOf(command, ...args) {
  try {
    return execFileSync('/bin/sh', ['-c', `${[command, ...args].join(' ')} 2>&1 || true`])
      .toString()
      .split('\n')[0]
      .trim();
  } catch {
    return 'unknown';
  }
}

const TICK_US = 1e6 / Number(execFileSync('getconf', ['CLK_TCK']));

/** CPU of a process and of its children so far, user and system, in microseconds (proc(5), fields 14 and 15). */
export function cpuUs(pid) {
  return family(pid).reduce((sum, member) => {
    const stat = readFileSync(`/proc/${member}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return sum + (Number(fields[11]) + Number(fields[12])) * TICK_US;
  }, 0);
}

/** Resident memory of a process and of its children, in MiB. */
export function rssMiB(pid) {
  return family(pid).reduce((sum, member) => {
    const status = readFileSync(`/proc/${member}/status`, 'utf8');
    return sum + Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  }, 0);
}

/** Open sockets of a process. */
export function socketCount(pid) {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function family(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return [String(pid), ...children.flatMap((child) => family(child))];
}
