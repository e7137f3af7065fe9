import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configOf, placesOf, sample } from './sample.ts';

const contract = readFileSync(new URL('./files/contract.yaml', import.meta.url), 'utf8');

describe('a valid file', () => {
  it('gives all that it says (the example of the contract)', () => {
    const config = configOf(contract, { POD_NAME: 'app-1' });
    expect(config.selfPodName).toBe('app-1');
    expect(config.admin).toEqual({ host: '', port: 9180 });
    expect(config.debug).toEqual({ host: '127.0.0.1', port: 9181 });
    const [db] = config.backends;
    expect(db!.discovery.statefulSet).toEqual({ name: 'db', replicas: 3, start: 0 });
    expect(db!.leader!.source).toMatchObject({ type: 'Probe', term: { json: '/term' }, timeoutMs: 500 });
    expect(db!.leader!.learn[1]).toEqual({ status: [307, 308], location: true, header: null });
    const [writes, tenant, search, reads] = config.listeners[0]!.rules;
    expect(writes!.matches[0]!.methods).toEqual(['POST', 'PUT', 'PATCH', 'DELETE']);
    expect(writes!.selection).toEqual({
      type: 'Leader',
      hold: { timeoutMs: 10_000, maxRequests: 1000, maxBytes: 16 * 1024 * 1024 },
      onDemotion: 'Close',
    });
    expect(tenant!.selection).toMatchObject({
      key: { from: 'pathSegment', index: 2 },
      mapping: { replicas: 3, start: 0 },
    });
    expect(search!.selection).toMatchObject({
      minSuccess: 2,
      merge: { type: 'ConcatArrays', pointer: '/hits' },
    });
    expect(reads!.backendRefs).toEqual([
      { name: 'db', weight: 90 },
      { name: 'db-canary', weight: 10 },
    ]);
    expect(reads!.retry).toEqual({
      attempts: 2,
      codes: [502, 503],
      backoffMs: 25,
      budget: { percent: 20, minPerSecond: 3 },
    });
  });

  it('survives structuredClone', () => {
    const config = configOf(contract);
    expect(structuredClone(config)).toEqual(config);
  });

  it('is filled up with the defaults of the contract', () => {
    const config = configOf(sample());
    expect(config).toEqual({
      backends: [
        {
          name: 'db',
          service: 'db.prod.svc.cluster.local',
          port: 'http',
          discovery: {
            nameservers: null,
            refreshMinMs: 1000,
            refreshMaxMs: 30_000,
            absence: 2,
            emptyHoldMs: 30_000,
            queryTimeoutMs: 2000,
            statefulSet: null,
          },
          health: {
            probe: { type: 'tcpSocket', port: null },
            periodMs: 2000,
            timeoutMs: 1000,
            failureThreshold: 3,
            successThreshold: 1,
          },
          leader: null,
          connection: { connectTimeoutMs: 1000, idleTimeoutMs: 60_000, maxPerPod: 1024, onUnready: 'Keep' },
          ejection: null,
        },
      ],
      listeners: [
        {
          name: 'web',
          address: { host: '127.0.0.1', port: 8080 },
          protocol: 'HTTP',
          limits: { headBytes: 65_536, headers: 100, connections: 10_000 },
          debugHeaders: false,
          timeouts: { headMs: 10_000, idleMs: 75_000, bodyMs: 30_000 },
          rules: [
            {
              name: 'web-0',
              hostnames: [],
              matches: [],
              backendRefs: [{ name: 'db', weight: 1 }],
              selection: { type: 'Balance', over: 'Ready', algorithm: 'LeastRequest' },
              timeouts: { requestMs: 0, backendRequestMs: 0 },
              retry: { attempts: 2, codes: [], backoffMs: 25, budget: null },
            },
          ],
        },
      ],
      selfPodName: '',
      admin: { host: '', port: 9180 },
      debug: { host: '127.0.0.1', port: 9181 },
      log: { level: 'info', access: false },
      shutdownTimeoutMs: 25_000,
    });
  });

  it('takes one value where a list may stand', () => {
    const config = configOf(sample({ rule: { hostnames: 'A.example', matches: [{ method: 'GET' }] } }));
    expect(config.listeners[0]!.rules[0]).toMatchObject({
      hostnames: ['a.example'],
      matches: [{ methods: ['GET'] }],
    });
  });

  it('gives each kind of leader source', () => {
    const sourceOf = (leader: object) =>
      configOf(sample({ backend: { leader } })).backends[0]!.leader!.source;
    expect(sourceOf({ type: 'DNS', dns: { service: 'Lead.prod.' } })).toEqual({
      type: 'DNS',
      service: 'lead.prod',
    });
    expect(sourceOf({ ordinal: 0 })).toEqual({ type: 'Ordinal', ordinal: 0 });
    expect(sourceOf({ probe: { tcp: { send: 'ROLE\r\n', expect: { contains: 'master' } } } })).toMatchObject({
      probe: { type: 'tcp', send: 'ROLE\r\n', expectContains: 'master', port: null },
    });
  });
});

it('all problems come at once, in the order of the file, across levels and kinds', () => {
  const text = `apiVersion: headroute.dev/v1
kind: ProxyConfig
backends:
  - name: db
    servce: db.prod.svc.cluster.local
    port: \${PORT}
listeners:
  - name: web
    address: :9180
    rules:
      - backendRefs: [{ name: bd, weight: many }]
      - backendRefs: [{ name: bd }]
        selection: { type: Leader, hold: { timeout: 5 } }
`;
  expect(placesOf(text)).toEqual([
    expect.stringMatching(/^f\.yaml:1:13: apiVersion: must be/),
    expect.stringMatching(/^f\.yaml:4:5: backends\[0\]\.service: is missing/),
    expect.stringMatching(/^f\.yaml:5:5: backends\[0\]\.servce: unknown key; did you mean service\?/),
    expect.stringMatching(/^f\.yaml:6:11: backends\[0\]\.port: environment variable PORT is not set/),
    expect.stringMatching(/^f\.yaml:9:14: listeners\[0\]\.address: :9180 collides with admin\.address/),
    expect.stringMatching(
      /^f\.yaml:11:31: listeners\[0\]\.rules\[0\]\.backendRefs\[0\]\.name: there is no backend "bd"; did you mean db\?/,
    ),
    expect.stringMatching(
      /^f\.yaml:11:43: listeners\[0\]\.rules\[0\]\.backendRefs\[0\]\.weight: must be a number/,
    ),
    expect.stringMatching(/^f\.yaml:12:9: listeners\[0\]\.rules\[1\]: no request ever takes this rule/),
    expect.stringMatching(
      /^f\.yaml:12:31: listeners\[0\]\.rules\[1\]\.backendRefs\[0\]\.name: there is no backend "bd"; did you mean db\?/,
    ),
    expect.stringMatching(
      /^f\.yaml:13:53: listeners\[0\]\.rules\[1\]\.selection\.hold\.timeout: must be a duration/,
    ),
  ]);
});
