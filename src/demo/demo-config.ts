import type { HostPort } from '../model/config.ts';
import type { SidecarAddresses } from './sidecar-process.ts';

/** The Service that the demo's DNS server publishes. */
export const DEMO_SERVICE = 'db.demo.svc.cluster.local';
export const DEMO_PORT_NAME = 'http';

/** The configuration that the demo runs on: writes to the leader, reads from the followers, quick probes. */
export function demoConfig(addresses: SidecarAddresses, nameserver: HostPort): string {
  return `apiVersion: headroute.dev/v1alpha1
kind: ProxyConfig
backends:
  - name: db
    service: ${DEMO_SERVICE}
    port: ${DEMO_PORT_NAME}
    discovery:
      nameservers: ["${nameserver.host}:${nameserver.port}"]
      refresh: { min: 500ms, max: 1s }
    health: { httpGet: { path: /healthz }, period: 500ms, timeout: 500ms, failureThreshold: 2 }
    leader:
      type: Probe
      probe:
        httpGet: { path: /leader }
        expect: { json: { pointer: /role, equals: leader } }
        term: { json: /term }
        period: 250ms
        timeout: 250ms
      onConflict: HighestTerm
      learn: [{ status: 421 }]
listeners:
  - name: app
    address: ${addresses.data}
    protocol: HTTP
    debugHeaders: true
    rules:
      - name: writes
        matches: [{ method: [POST, PUT, PATCH, DELETE] }]
        backendRefs: [{ name: db }]
        selection: { type: Leader, hold: { timeout: 10s } }
      - name: reads
        backendRefs: [{ name: db }]
        selection: { type: Balance, over: Followers }
admin: { address: "${addresses.admin}" }
debug: { address: "${addresses.debug}" }
shutdown: { timeout: 3s }
`;
}
