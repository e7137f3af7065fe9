import type { HostPort } from '../../../src/model/config.ts';

export const SERVICE = 'db.chaos.svc.cluster.local';

/** Times of the leader probe (ms), short so that much happens; patient ones where a machine that stalls must not change who leads. */
const PROBE = { periodMs: 200, failureThreshold: 2, timeoutMs: 300, patientTimeoutMs: 3000 } as const;

/** D of promise 4 (ms): after it no byte goes to a Pod that has stopped claiming. */
export function boundMs({ patient }: Pick<ConfigChoices, 'patient'>): number {
  return PROBE.periodMs * PROBE.failureThreshold + (patient ? PROBE.patientTimeoutMs : PROBE.timeoutMs);
}

/** How long requests are held. */
export const HOLD_MS = 8000;

export interface ConfigChoices {
  readonly onConflict: 'Refuse' | 'HighestTerm';
  /** Claims show whom they have succeeded, not a term. */
  readonly lineage: boolean;
  /** Probes wait long for their answers. */
  readonly patient: boolean;
  /** Grows with each reload, and changes values that no request may notice. */
  readonly edition: number;
}

/** The configuration of one sidecar; JSON is YAML too. */
export function configOf(
  host: string,
  ports: { http: number; tcp: number; debug: number; admin: number },
  nameserver: HostPort,
  probePort: number,
  choices: ConfigChoices,
): unknown {
  const odd = choices.edition % 2;
  const leaderRule = (name: string): unknown => ({
    name,
    backendRefs: [{ name: 'db' }],
    selection: {
      type: 'Leader',
      hold: { timeout: `${HOLD_MS}ms`, maxRequests: 1000 + odd, maxBytes: '64Mi' },
    },
  });
  return {
    apiVersion: 'headroute.dev/v1alpha1',
    kind: 'ProxyConfig',
    backends: [
      {
        name: 'db',
        service: SERVICE,
        port: 'data',
        discovery: {
          nameservers: [`${nameserver.host}:${nameserver.port}`],
          refresh: { min: '150ms', max: '300ms' },
          absence: 2,
          emptyHold: '3s',
          queryTimeout: `${600 + odd}ms`,
        },
        health: {
          httpGet: { path: '/healthz', port: probePort },
          period: '200ms',
          timeout: choices.patient ? '5s' : '600ms',
          failureThreshold: 2 + odd,
        },
        leader: {
          type: 'Probe',
          onConflict: choices.onConflict,
          learn: [{ status: 421 }],
          probe: {
            // Another path, the same answer: those who ask are replaced, what they knew stays.
            httpGet: { path: odd === 1 ? '/leader?again' : '/leader', port: probePort },
            expect: { json: { pointer: '/role', equals: 'leader' } },
            ...(choices.lineage
              ? { lineage: { id: { json: '/id' }, previous: { json: '/previous' } } }
              : { term: { json: '/term' } }),
            period: `${PROBE.periodMs}ms`,
            timeout: `${choices.patient ? PROBE.patientTimeoutMs : PROBE.timeoutMs}ms`,
            failureThreshold: PROBE.failureThreshold,
          },
        },
      },
    ],
    listeners: [
      {
        name: 'http',
        address: `${host}:${ports.http}`,
        protocol: 'HTTP',
        rules: [{ ...(leaderRule('all') as object), timeouts: { request: '20s', backendRequest: '4s' } }],
      },
      { name: 'tcp', address: `${host}:${ports.tcp}`, protocol: 'TCP', rules: [leaderRule('tcp')] },
    ],
    admin: { address: `${host}:${ports.admin}` },
    debug: { address: `${host}:${ports.debug}` },
    log: { level: 'info' },
    shutdown: { timeout: '6s' },
  };
}
