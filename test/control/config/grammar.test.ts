import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configOf, LEADER, placesOf, problemsOf, sample } from './sample.ts';

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

type Case = [what: string, parts: Parameters<typeof sample>[0], problem: string];

/** Each must give this problem and no other. */
const MISTAKES: Case[] = [
  [
    'another version',
    { document: { apiVersion: 'v1' } },
    'apiVersion: must be headroute.dev/v1alpha1, is the text "v1"',
  ],
  ['another kind', { document: { kind: 'ConfigMap' } }, 'kind: must be ProxyConfig'],
  [
    'no backends',
    {
      document: {
        backends: [],
        listeners: [{ name: 'a', address: ':1', rules: [{ backendRefs: [{ name: 'x' }] }] }],
      },
    },
    'backends: needs at least one entry',
  ],
  [
    'a misspelt key',
    { backend: { conection: {} } },
    'backends[0].conection: unknown key; did you mean connection?',
  ],
  ['a misspelt key of the document', { document: { loging: {} } }, 'loging: unknown key; did you mean log?'],
  [
    'a key from the kubelet',
    { backend: { health: { periodSeconds: 2 } } },
    'backends[0].health.periodSeconds: unknown key: write period',
  ],
  ['a bare number as duration', { backend: { health: { period: 2 } } }, 'is the number 2: write 2s or 2ms'],
  [
    'a duration of zero',
    { backend: { health: { timeout: '0s' } } },
    'backends[0].health.timeout: must be longer than 0s',
  ],
  [
    'two probes',
    { backend: { health: { httpGet: {}, tcpSocket: {} } } },
    'backends[0].health: takes one of httpGet and tcpSocket',
  ],
  [
    'expect without HTTP',
    { backend: { health: { expect: { status: 200 } } } },
    'backends[0].health.expect: needs httpGet or http',
  ],
  [
    'expect beside tcp',
    { backend: { health: { tcp: { send: 'x', expect: { contains: 'y' } }, expect: {} } } },
    'under tcp',
  ],
  [
    'a probe path that splits the request',
    { backend: { health: { httpGet: { path: '/a HTTP/1.1\r\nX: y' } } } },
    'backends[0].health.httpGet.path: ',
  ],
  [
    'a probe header that splits the request',
    { backend: { health: { httpGet: { headers: [{ name: 'X', value: 'y\r\nZ: 1' }] } } } },
    'headers[0].value: holds a line break',
  ],
  [
    'a probe header that reframes the request',
    { backend: { health: { httpGet: { headers: [{ name: 'content-length', value: '5' }] } } } },
    'headroute sets content-length itself',
  ],
  ['a port out of range', { backend: { port: 65_536 } }, 'backends[0].port: must be at most 65535, is 65536'],
  ['a port in quotes', { backend: { port: '8080' } }, 'write the number without quotes'],
  [
    'a port name that Kubernetes refuses',
    { backend: { port: 'a-very-long-port-name' } },
    'is not the name of a port',
  ],
  ['an address as service', { backend: { service: '10.0.0.1' } }, 'is an address, not a DNS name'],
  [
    'refresh upside down',
    { backend: { discovery: { refresh: { min: '30s', max: '1s' } } } },
    'backends[0].discovery.refresh: min is longer than max',
  ],
  [
    'a name server by name',
    { backend: { discovery: { nameservers: ['dns.local'] } } },
    'nameservers[0]: "dns.local" must be an IP address',
  ],
  [
    'a leader without a source',
    { backend: { leader: {} } },
    'backends[0].leader: needs probe, dns, ordinal or preset',
  ],
  [
    'a leader probe that asks nothing',
    { backend: { leader: { probe: {} } } },
    'backends[0].leader.probe: needs httpGet, http or tcp',
  ],
  [
    'a leader type without its part',
    { backend: { leader: { type: 'DNS' } } },
    'backends[0].leader: needs dns',
  ],
  [
    'a leader type with the part of another',
    { backend: { leader: { type: 'DNS', dns: { service: 'a.b' }, ordinal: 0 } } },
    'backends[0].leader.ordinal: does not go with type DNS',
  ],
  ['an unknown preset', { backend: { leader: { preset: 'etdc' } } }, 'did you mean etcd?'],
  [
    'HighestTerm without terms',
    { backend: { leader: { ...LEADER, onConflict: 'HighestTerm' } } },
    'backends[0].leader.onConflict: HighestTerm needs probe.term',
  ],
  [
    'a learnt status that means success',
    { backend: { leader: { ...LEADER, learn: [{ status: 200 }] } } },
    'learn[0].status: must be a status from 300 to 599',
  ],
  [
    'a json condition without value',
    { backend: { leader: { probe: { httpGet: {}, expect: { json: { pointer: '/a' } } } } } },
    'expect.json: needs equals or equalsPointer',
  ],
  [
    'a pointer that is none',
    { backend: { leader: { probe: { httpGet: {}, expect: { json: { pointer: 'role', equals: 1 } } } } } },
    'is not a JSON pointer',
  ],
  [
    'a number that floats cannot hold',
    { backend: { leader: { probe: { httpGet: {}, expect: { json: { pointer: '/a', equals: 2 ** 60 } } } } } },
    'too large to be compared',
  ],
  [
    'a term without a place',
    { backend: { leader: { probe: { httpGet: {}, term: {} } } } },
    'probe.term: needs either json or header',
  ],
  ['a port without an address', { listener: { address: 8080 } }, 'write 127.0.0.1:8080'],
  [
    'yes for true',
    { listener: { debugHeaders: 'yes' } },
    'must be true or false, is the text "yes": write true',
  ],
  ['a size in megabytes', { listener: { limits: { headBytes: '64KB' } } }, 'write for example 64Ki'],
  [
    'a head too small for any request',
    { listener: { limits: { headBytes: 10 } } },
    'must be at least 1024 bytes',
  ],
  ['no rules', { listener: { rules: [] } }, 'listeners[0].rules: needs at least one entry'],
  [
    'debug on a public address',
    { document: { debug: { address: ':9181' } } },
    'debug.address: must be a loopback address',
  ],
  [
    'a method in small letters',
    { rule: { matches: [{ method: 'get' }] } },
    'matches[0].method: "get" must be written GET',
  ],
  [
    'a method in small letters in a list',
    { rule: { matches: [{ method: ['GET', 'post'] }] } },
    'matches[0].method[1]: "post" must be written POST',
  ],
  [
    'a path without slash',
    { rule: { matches: [{ path: { value: 't' } }] } },
    'matches[0].path.value: "t" must start with /',
  ],
  [
    'a path with a query',
    { rule: { matches: [{ path: { value: '/a?b=c' } }] } },
    'a query is matched under queryParams',
  ],
  ['a path with a star', { rule: { matches: [{ path: { value: '/a/*' } }] } }, 'must not end in *'],
  [
    'an expression beyond RE2',
    { rule: { matches: [{ path: { type: 'RegularExpression', value: '(?=a)' } }] } },
    'is not an expression that RE2 accepts',
  ],
  [
    'a back-reference',
    { rule: { matches: [{ headers: [{ type: 'RegularExpression', name: 'A', value: '(a)\\1' }] }] } },
    'is not an expression that RE2 accepts',
  ],
  [
    'a header matched twice',
    {
      rule: {
        matches: [
          {
            headers: [
              { name: 'A', value: '1' },
              { name: 'a', value: '2' },
            ],
          },
        ],
      },
    },
    'headers[1].name: the header a is matched twice',
  ],
  [
    'a hostname with port',
    { rule: { hostnames: ['a.b:80'] } },
    'hostnames[0]: "a.b:80" must not have a port',
  ],
  [
    'an unknown selection',
    { rule: { selection: { type: 'Followers' } } },
    'must be one of Leader, Ordinal, FanOut, Balance, is the text "Followers"',
  ],
  ['a selection in small letters', { rule: { selection: { type: 'balance' } } }, 'did you mean Balance?'],
  [
    'a selection whose type was forgotten',
    { rule: { selection: { key: { header: 'X' } } } },
    'rules[0].selection.type: is missing: key belongs to type: Ordinal',
  ],
  [
    'a key of another selection',
    { rule: { selection: { type: 'Balance', hold: {} } } },
    'selection.hold: unknown key',
  ],
  [
    'two keys',
    { rule: { selection: { type: 'Ordinal', key: { header: 'X', self: true } } } },
    'selection.key: needs exactly one of',
  ],
  [
    'an ordinal selection of nothing',
    { rule: { selection: { type: 'Ordinal' } } },
    'rules[0].selection: needs key (with mapping) or ordinal',
  ],
  [
    'a fixed ordinal with a key',
    { rule: { selection: { type: 'Ordinal', ordinal: 1, key: { header: 'X' } } } },
    'selection.key: does not go with a fixed ordinal',
  ],
  [
    'Modulo without replicas',
    { rule: { selection: { type: 'Ordinal', key: { header: 'X' }, mapping: { type: 'Modulo' } } } },
    'selection.mapping.replicas: is missing',
  ],
  [
    'ranges without an end',
    {
      rule: {
        selection: {
          type: 'Ordinal',
          key: { header: 'X' },
          mapping: { type: 'Range', ranges: [{ below: 'm', ordinal: 0 }] },
        },
      },
    },
    'ranges[0].below: the last range must have no below',
  ],
  [
    'ranges that end early',
    {
      rule: {
        selection: {
          type: 'Ordinal',
          key: { header: 'X' },
          mapping: { type: 'Range', ranges: [{ ordinal: 0 }, { ordinal: 1 }] },
        },
      },
    },
    'ranges[0]: only the last range goes without below',
  ],
  [
    'ranges that overlap',
    {
      rule: {
        selection: {
          type: 'Ordinal',
          key: { header: 'X' },
          mapping: {
            type: 'Range',
            ranges: [{ below: 'm', ordinal: 0 }, { below: 'b', ordinal: 1 }, { ordinal: 2 }],
          },
        },
      },
    },
    'ranges[1].below: ranges overlap',
  ],
  [
    'Merge without merge',
    { rule: { selection: { type: 'FanOut', respond: 'Merge' } } },
    'respond: Merge needs merge',
  ],
  [
    'merge without Merge',
    { rule: { selection: { type: 'FanOut', respond: 'First', merge: { type: 'JSONLines' } } } },
    'selection.merge: does not go with respond: First',
  ],
  [
    'a weight below zero',
    { rule: { backendRefs: [{ name: 'db', weight: -1 }] } },
    'backendRefs[0].weight: must be at least 0',
  ],
  [
    'a backendRef that is no list',
    { rule: { backendRefs: { name: 'db' } } },
    'backendRefs: must be a list, is a mapping: put "- "',
  ],
  [
    'backendRequest longer than request',
    { rule: { timeouts: { request: '1s', backendRequest: '2s' } } },
    'timeouts.backendRequest: is longer than request',
  ],
  ['a retry on success', { rule: { retry: { codes: [200] } } }, 'retry.codes[0]: must be at least 400'],
  [
    'a fraction of a retry',
    { rule: { retry: { attempts: 1.5 } } },
    'retry.attempts: must be a whole number, is the number 1.5',
  ],
  [
    'a number as name',
    {
      document: {
        backends: [
          { name: 8, service: 'a.b', port: 1 },
          { name: 'db', service: 'a.b', port: 1 },
        ],
      },
    },
    'backends[0].name: must be a name, is the number 8: put it in quotes',
  ],
  [
    'an unknown log level',
    { document: { log: { level: 'verbose' } } },
    'log.level: must be one of trace, debug',
  ],
  [
    'a timer that would overflow',
    { document: { shutdown: { timeout: '99999h' } } },
    'shutdown.timeout: "99999h" is too long',
  ],
];

describe('a mistake is the only problem, with its path and what to do', () => {
  it.each(MISTAKES)('%s', (_what, parts, problem) => {
    const problems = problemsOf(sample(parts));
    expect(problems).toEqual([expect.stringContaining(problem)]);
  });
});

const RESERVED: [string, Parameters<typeof sample>[0]][] = [
  ['backends[0].tls', { backend: { tls: { caFile: 'x' } } }],
  ['backends[0].health.httpGet.tls', { backend: { health: { httpGet: { tls: {} } } } }],
  ['listeners[0].tls', { listener: { tls: {} } }],
  ['listeners[0].protocol', { listener: { protocol: 'HTTP2' } }],
  ['backends[0].health.grpc', { backend: { health: { grpc: { port: 1 } } } }],
  [
    'backends[0].leader.learn[0].grpcStatus',
    { backend: { leader: { ...LEADER, learn: [{ status: 503, grpcStatus: 9 }] } } },
  ],
  ['backends[0].discovery.source', { backend: { discovery: { source: 'EndpointSlice' } } }],
  ['backends[0].discovery.zone', { backend: { discovery: { zone: 'a' } } }],
  ['backends[0].leader.type', { backend: { leader: { type: 'Lease' } } }],
  ['backends[0].leader.type', { backend: { leader: { type: 'Sentinel' } } }],
  ['backends[0].connection.proxyProtocol', { backend: { connection: { proxyProtocol: 'v2' } } }],
  ['listeners[0].proxyProtocol', { listener: { proxyProtocol: true } }],
  ['listeners[0].rules[0].selection.affinity', { rule: { selection: { type: 'Balance', affinity: {} } } }],
  ['listeners[0].rules[0].selection.freshness', { rule: { selection: { freshness: {} } } }],
  ['listeners[0].rules[0].selection.maxLag', { rule: { selection: { maxLag: '1s' } } }],
  ['listeners[0].rules[0].hedge', { rule: { hedge: {} } }],
  ['backends[0].leader.handoff', { backend: { leader: { ...LEADER, handoff: {} } } }],
  ['backends[0].observe', { backend: { observe: {} } }],
  ['listeners[0].rules[0].filters', { rule: { filters: [] } }],
  [
    'listeners[0].rules[0].selection.mapping.type',
    { rule: { selection: { type: 'Ordinal', key: { header: 'X' }, mapping: { type: 'RendezvousHash' } } } },
  ],
  ['listeners[0].rules[0].retry.idempotencyKey', { rule: { retry: { idempotencyKey: 'X' } } }],
  ['workers', { document: { workers: 2 } }],
  ['tracing', { document: { tracing: {} } }],
  ['rehearse', { document: { rehearse: {} } }],
];

it.each(RESERVED)('what is reserved is refused by name: %s', (path, parts) => {
  const problems = problemsOf(sample(parts));
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(new RegExp(`^${path.replace(/[[\]]/g, '\\$&')}: .*is not supported yet$`));
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
