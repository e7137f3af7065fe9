// node scripts/in-netns.mjs COMMAND...: runs it in a network namespace of its own, whose sockets have small buffers, so that thousands
// of stalled connections fit into the kernel's memory for TCP (tcp(7), tcp_mem). Where none may be made it says so and runs it as it is;
// OWN_NETWORK=1 tells the command that it has one.
import { spawnSync } from 'node:child_process';

const SETUP =
  'ip link set lo up && echo "4096 16384 65536" | tee /proc/sys/net/ipv4/tcp_wmem >/proc/sys/net/ipv4/tcp_rmem';
// Only root needs no namespace of users; with one the command would see itself as root.
const unshare = ['--net', ...(process.getuid?.() === 0 ? [] : ['--map-root-user'])];

const probe = spawnSync('unshare', [...unshare, 'sh', '-c', SETUP], { encoding: 'utf8' });
const isAllowed = probe.status === 0;
if (!isAllowed) {
  const reason = probe.error?.message ?? probe.stderr.trim();
  process.stderr.write(`no network namespace (${reason}): what runs now has the machine's own buffers\n`);
}
const command = process.argv.slice(2);
const [file, ...args] = isAllowed
  ? ['unshare', ...unshare, 'sh', '-c', `${SETUP} && exec "$@"`, 'sh', ...command]
  : command;
const env = { ...process.env, OWN_NETWORK: isAllowed ? '1' : '' };
const run = spawnSync(file, args, { stdio: 'inherit', env });
process.exit(run.status ?? 1);
