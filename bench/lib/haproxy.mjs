// HAProxy with one thread, as it is compared with: it keeps connections to Pods however many of clients there are.
import { freePorts, startServer, which, writeTemporary } from './processes.mjs';

/** @param backend lines of the backend: its servers and what is done to requests @returns the process and its port */
export async function startHaproxy(name, backend) {
  const [port] = await freePorts(1);
  const file = writeTemporary(
    `${name}-${port}.cfg`,
    `global
  nbthread 1
  no strict-limits
  tune.pool-high-fd-ratio 100
  tune.pool-low-fd-ratio 100
  maxconn 12000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
  http-reuse always
${backend}
`,
  );
  return { child: await startServer(which('haproxy'), ['-db', '-f', file], port), port };
}
