import { type DnsServer, startDnsServer } from '../../../src/demo/dns-server.ts';
import { RolePod } from '../../app/support/role-pod.ts';
import { Sidecar } from '../../app/support/sidecar.ts';
import type { Scope } from '../../app/support/stage.ts';

const DB = 'db.prod.svc.cluster.local';
const CACHE = 'cache.prod.svc.cluster.local';

/** A database whose leader shows its term, and a cache beside it, behind a sidecar. */
export class PageScene {
  readonly pods: readonly RolePod[];
  readonly sidecar: Sidecar;

  private constructor(pods: readonly RolePod[], sidecar: Sidecar) {
    this.pods = pods;
    this.sidecar = sidecar;
  }

  /** db-0 leads in term 7 when this returns. */
  static async raise(scope: Scope): Promise<PageScene> {
    const dns = await startDnsServer();
    scope.onTestFinished(() => dns.close());
    const start = (name: string): Promise<RolePod> => RolePod.start(scope, name);
    const pods = await Promise.all(['db-0', 'db-1', 'db-2'].map(start));
    const caches = await Promise.all(['cache-0', 'cache-1'].map(start));
    publish(dns, DB, pods);
    publish(dns, CACHE, caches);
    lead(pods[0]!, 7);
    const sidecar = await Sidecar.start(configuration(`${dns.address.host}:${dns.address.port}`));
    scope.onTestFinished(() => sidecar.dispose());
    const scene = new PageScene(pods, sidecar);
    await sidecar.until(
      async () => (await sidecar.state()).backends[0]?.leadership.leader === 'db-0',
      'db-0 leads',
    );
    await sidecar.pods(3);
    await sidecar.pods(2, 'ready', 'cache');
    return scene;
  }

  get url(): string {
    return `http://${this.sidecar.debug}`;
  }

  /** @returns the name of the Pod that took it */
  async write(): Promise<string> {
    const response = await fetch(`${this.sidecar.url}/orders`, { method: 'POST' });
    return response.text();
  }
}

/** From now on it says that it leads; null: that it follows. */
export function lead(pod: RolePod, term: number | null): void {
  const role = term === null ? 'follower' : 'leader';
  pod.leader = { status: term === null ? 503 : 200, body: JSON.stringify({ role, term }) };
}

function publish(dns: DnsServer, service: string, pods: readonly RolePod[]): void {
  const published = pods.map(({ name, port }) => ({ name, addresses: ['127.0.0.1'], port }));
  dns.setService(service, 'http', 80, published, 1);
}

function configuration(nameserver: string): string {
  const discovery = `{ nameservers: ["${nameserver}"], refresh: { min: 200ms, max: 500ms } }`;
  const health = '{ httpGet: { path: /healthz }, period: 250ms, timeout: 5s, failureThreshold: 1 }';
  return `apiVersion: headroute.dev/v1alpha1
kind: ProxyConfig
backends:
  - name: db
    service: ${DB}
    port: http
    discovery: ${discovery}
    health: ${health}
    leader:
      probe:
        httpGet: { path: /leader }
        term: { json: /term }
        period: 100ms
        timeout: 5s
        failureThreshold: 1
  - name: cache
    service: ${CACHE}
    port: http
    discovery: ${discovery}
    health: ${health}
listeners:
  - name: app
    address: 127.0.0.1:0
    rules:
      - name: writes
        matches: [{ method: [POST, PUT, PATCH, DELETE] }]
        backendRefs: [{ name: db }]
        selection: { type: Leader, hold: { timeout: 10m } }
      - name: cached
        matches: [{ path: { value: /cache } }]
        backendRefs: [{ name: cache }]
      - name: reads
        backendRefs: [{ name: db }]
        selection: { type: Balance, over: Followers }
admin: { address: 127.0.0.1:0 }
debug: { address: 127.0.0.1:0 }
shutdown: { timeout: 1s }
`;
}
