// headroute in front of one Pod, from a generated configuration: discovery, a health probe, a rule, nothing left out.
import { spawn } from 'node:child_process';
import { freePorts, startServer, writeTemporary } from './processes.mjs';

const root = new URL('../../', import.meta.url).pathname;

/**
 * @param pod the Pod's port on 127.0.0.1
 * @param nodeFlags flags of Node, for profiles
 * @param idleTimeout how long connections to the Pod are kept
 * @returns the process, its port, admin and debug addresses, and how long it took from start to ready
 */
export async function startHeadroute(pod, nodeFlags = [], idleTimeout = '60s') {
  const [port, admin, debug, dns] = await freePorts(4);
  const names = spawn(process.execPath, [`${root}bench/dns.mjs`, String(dns)], { stdio: 'ignore' });
  process.once('exit', () => names.kill('SIGKILL'));
  const file = writeTemporary(
    `headroute-${port}.yaml`,
    `apiVersion: headroute.dev/v1alpha1
kind: ProxyConfig
backends:
  - { name: pod, service: pod.bench.svc.cluster.local, port: ${pod}, discovery: { nameservers: ["127.0.0.1:${dns}"] }, connection: { idleTimeout: ${idleTimeout}, maxPerPod: 8000 } }
listeners:
  - name: main
    address: 127.0.0.1:${port}
    protocol: HTTP
    limits: { connections: 20000 }
    rules: [{ name: all, backendRefs: [{ name: pod }] }]
admin: { address: "127.0.0.1:${admin}" }
debug: { address: "127.0.0.1:${debug}" }
log: { level: warn }
`,
  );
  const startMs = performance.now();
  const args = [...nodeFlags, `${root}dist/headroute.js`, 'run', '--config', file];
  const child = await startServer(process.execPath, args, admin);
  child.once('exit', () => names.kill('SIGKILL'));
  let readyMs = null;
  while (performance.now() - startMs < 10_000) {
    const status = await fetch(`http://127.0.0.1:${admin}/readyz`).then(
      (r) => r.status,
      () => 0,
    );
    if (status === 200) readyMs ??= performance.now() - startMs;
    const answer = await fetch(`http://127.0.0.1:${port}/250B`).then(
      (r) => r.status,
      () => 0,
    );
    if (status === 200 && answer === 200) return { child, port, admin, debug, readyMs };
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('headroute did not become ready within 10 s');
}
