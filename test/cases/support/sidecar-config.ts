import type { Socket } from 'node:net';
import type { DnsServer } from '../../../src/demo/dns-server.ts';
import type { CasePod, Ports } from './case-pod.ts';

export const SERVICE = 'db.test.svc.cluster.local';
/** Probe period of all cases unless they say otherwise. */
export const PERIOD_MS = 60;
/** Of leader probes: a stalled machine must not make Pods look silent. */
export const TIMEOUT_MS = 400;

export type Json = Record<string, unknown>;

export interface Setup {
  /** Number of Pods `db-0`, …, or their names. */
  readonly pods?: number | readonly string[];
  /** Names of those that DNS lists at the start; default: all. */
  readonly published?: readonly string[];
  /** Keys of the backend beside the defaults of this file. */
  readonly backend?: Json | ((ports: Ports, nameserver: string) => Json);
  /** null: no leader source. Merged over `leader.probe` on the role port. */
  readonly leader?: Json | null | ((ports: Ports) => Json);
  readonly rules?: readonly Json[];
  readonly listener?: Json;
  readonly moreBackends?: (scene: { ports: Ports; nameserver: string }) => readonly Json[];
  readonly config?: Json;
  /** Pods speak this instead of HTTP on their data port, and the listener is one for TCP. */
  readonly tcp?: (socket: Socket, pod: CasePod) => void;
  /** Before the sidecar starts. */
  readonly before?: (scene: {
    pods: readonly CasePod[];
    dns: DnsServer;
    ports: Ports;
  }) => void | Promise<void>;
}

export const LEADER_RULE: Json = {
  name: 'writes',
  matches: [{ method: ['POST', 'PUT', 'PATCH', 'DELETE'] }],
  backendRefs: [{ name: 'db' }],
  selection: { type: 'Leader', hold: { timeout: '5s' } },
};

export const BALANCE_RULE: Json = {
  name: 'reads',
  backendRefs: [{ name: 'db' }],
  selection: { type: 'Balance' },
};

/** A rule `all` with this selection. */
export function rule(selection: Json, more: Json = {}): Json {
  return { name: 'all', backendRefs: [{ name: 'db' }], selection, ...more };
}

/** Discovery against the test's server at 50 ms: for backends beside `db`. */
export function discoveryOf(nameserver: string): Json {
  return { nameservers: [nameserver], refresh: { min: '50ms', max: '200ms' }, emptyHold: '300ms' };
}

/** The configuration file of a scenario; JSON is YAML too. */
export function configOf(setup: Setup, dns: DnsServer, ports: Ports): Json {
  const { leader, backend, rules, listener, moreBackends, config } = setup;
  const nameserver = `${dns.address.host}:${dns.address.port}`;
  const probe = {
    httpGet: { path: '/leader', port: ports.role },
    expect: { json: { pointer: '/role', equals: 'leader' } },
    period: `${PERIOD_MS}ms`,
    timeout: `${TIMEOUT_MS}ms`,
  };
  const given = typeof leader === 'function' ? leader(ports) : leader;
  const leaderOf = (): Json => {
    if (given?.type !== undefined && given.type !== 'Probe') return given;
    const { probe: part, ...rest } = given ?? {};
    const { httpGet, expect, ...times } = probe;
    const base = part !== undefined && 'tcp' in (part as Json) ? times : { httpGet, expect, ...times };
    return { type: 'Probe', ...rest, probe: { ...base, ...(part as Json | undefined) } };
  };
  return {
    apiVersion: 'headroute.dev/v1alpha1',
    kind: 'ProxyConfig',
    backends: [
      {
        name: 'db',
        service: SERVICE,
        port: 'http',
        discovery: discoveryOf(nameserver),
        health: {
          httpGet: { path: '/healthz', port: ports.role },
          period: `${PERIOD_MS}ms`,
          timeout: '5s',
          failureThreshold: 2,
        },
        ...(given === null ? {} : { leader: leaderOf() }),
        ...(typeof backend === 'function' ? backend(ports, nameserver) : backend),
      },
      ...(moreBackends?.({ ports, nameserver }) ?? []),
    ],
    listeners: [
      {
        name: 'app',
        address: '127.0.0.1:0',
        protocol: setup.tcp === undefined ? 'HTTP' : 'TCP',
        rules: rules ?? [LEADER_RULE, BALANCE_RULE],
        ...listener,
      },
    ],
    admin: { address: '127.0.0.1:0' },
    debug: { address: '127.0.0.1:0' },
    log: { level: 'fatal' },
    shutdown: { timeout: '1s' },
    ...config,
  };
}
