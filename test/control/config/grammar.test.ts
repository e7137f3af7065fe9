import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { backendConfig, configWith, listenerConfig, ruleConfig } from '../../helpers/config.ts';
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
    const rule = ruleConfig({
      name: 'web-0',
      selection: { type: 'Balance', over: 'Ready', algorithm: 'LeastRequest' },
      retry: { attempts: 2, codes: [], backoffMs: 25, budget: null },
    });
    const address = { host: '127.0.0.1', port: 8080 };
    expect(configOf(sample())).toEqual(
      configWith({
        backends: [backendConfig()],
        listeners: [listenerConfig({ name: 'web', address, rules: [rule] })],
      }),
    );
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
