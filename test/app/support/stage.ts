import { createServer, type Server } from 'node:net';
import type { TestContext } from 'vitest';
import { type DnsServer, startDnsServer } from '../../../src/demo/dns-server.ts';
import { DbPod } from './pod.ts';
import { Sidecar, type SidecarOptions } from './sidecar.ts';

export const SERVICE = 'db.prod.svc.cluster.local';

/** A configuration as it is written to the file; nothing is checked here. */
export type Document = Record<string, unknown>;

/** A DNS server and small Pods that it publishes as one headless Service. */
export class Stage {
  readonly dns: DnsServer;
  readonly pods: DbPod[];
  #closed: Promise<void> | null = null;

  private constructor(dns: DnsServer, pods: DbPod[]) {
    this.dns = dns;
    this.pods = pods;
  }

  static async raise(names: readonly string[] = ['db-0', 'db-1']): Promise<Stage> {
    const stage = new Stage(
      await startDnsServer(),
      await Promise.all(names.map((name) => DbPod.start(name))),
    );
    stage.publish();
    return stage;
  }

  publish(pods: readonly DbPod[] = this.pods, service = SERVICE): void {
    this.dns.setService(
      service,
      'http',
      80,
      pods.map(({ name, port }) => ({ name, addresses: ['127.0.0.1'], port })),
      1,
    );
  }

  /** A backend of this Service that looks and probes often, with time for an answer even where the machine stalls. */
  backend(part: Document = {}): Document {
    const { host, port } = this.dns.address;
    return {
      name: 'db',
      service: SERVICE,
      port: 'http',
      discovery: { nameservers: [`${host}:${port}`], refresh: { min: '100ms', max: '200ms' } },
      health: { httpGet: { path: '/healthz' }, period: '100ms', timeout: '5s', failureThreshold: 1 },
      ...part,
    };
  }

  /** A whole configuration: one backend, one HTTP listener `app` that balances; `part` replaces keys. */
  document(part: Document = {}): Document {
    return {
      apiVersion: 'headroute.dev/v1alpha1',
      kind: 'ProxyConfig',
      backends: [this.backend()],
      listeners: [listener()],
      admin: { address: '127.0.0.1:0' },
      debug: { address: '127.0.0.1:0' },
      ...part,
    };
  }

  /** Can be called twice. */
  close(): Promise<void> {
    for (const pod of this.pods) pod.close();
    this.#closed ??= this.dns.close();
    return this.#closed;
  }
}

/** A listener on a port that the system chooses, by default an HTTP one with a rule that balances. */
export function listener(part: Document = {}): Document {
  return {
    name: 'app',
    address: '127.0.0.1:0',
    protocol: 'HTTP',
    rules: [{ name: 'all', backendRefs: [{ name: 'db' }] }],
    ...part,
  };
}

/** A leader source that asks each Pod's `/leader`. */
export const LEADER = {
  type: 'Probe',
  probe: { httpGet: { path: '/leader' }, period: '50ms', timeout: '5s', failureThreshold: 1 },
};

/** What ends with a test. Tests run side by side, so each brings its own context. */
export type Scope = Pick<TestContext, 'onTestFinished'>;

/** A stage for one test. */
export async function stage(scope: Scope, names?: readonly string[]): Promise<Stage> {
  const raised = await Stage.raise(names);
  scope.onTestFinished(() => raised.close());
  return raised;
}

/** A running sidecar for one test. */
export async function sidecar(
  scope: Scope,
  document: Document | string | null,
  options?: SidecarOptions,
): Promise<Sidecar> {
  const started = await Sidecar.start(document, options);
  scope.onTestFinished(() => started.dispose());
  return started;
}

/** A port of 127.0.0.1 that another program listens on, until it is closed. */
export async function takenPort(scope: Scope): Promise<{ port: number; close(): Promise<void> }> {
  const server = await listening();
  scope.onTestFinished(() => void server.close());
  return { port: portOf(server), close: () => closed(server) };
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = await listening();
  const port = portOf(server);
  await closed(server);
  return port;
}

function listening(): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

function portOf(server: Server): number {
  return (server.address() as { port: number }).port;
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
