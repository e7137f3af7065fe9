/** One change for each key of the configuration, none of which may be noticed by those who are served. */
import { jsonSchema } from '../../../src/control/config/grammar/json-schema.ts';
import type { Ports } from './case-pod.ts';
import { discoveryOf, type Json, SERVICE } from './sidecar-config.ts';

/** What a change may need to know. */
export interface Place {
  readonly ports: Ports;
  readonly nameserver: string;
  /** For the two listeners. */
  readonly listen: readonly [http: number, tcp: number];
}

/** The configuration under load: a rule of each selection, one for TCP, and rules that nothing matches, to be changed freely. */
export function baseDocument({ ports, nameserver, listen }: Place): Json {
  const probe = {
    httpGet: { path: '/leader', port: ports.role, headers: [{ name: 'X-Probe', value: 'a' }] },
    expect: { json: { pointer: '/role', equals: 'leader' } },
    term: { json: '/term' },
    period: '100ms',
    timeout: '5s',
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
          period: '100ms',
          timeout: '5s',
          failureThreshold: 2,
        },
        leader: { type: 'Probe', probe, onConflict: 'Refuse' },
        ejection: { consecutiveFailures: 5, baseTime: '10s', maxPercent: 50 },
        connection: { idleTimeout: '60s' },
      },
    ],
    listeners: [
      {
        name: 'app',
        address: `127.0.0.1:${listen[0]}`,
        rules: [
          {
            name: 'writes',
            matches: [{ method: ['POST'] }],
            backendRefs: [{ name: 'db' }],
            // Whoever is without a leader for a moment is told so at once.
            selection: { type: 'Leader', hold: { timeout: '0s' } },
          },
          {
            name: 'tenants',
            matches: [{ path: { type: 'PathPrefix', value: '/t' } }],
            backendRefs: [{ name: 'db' }],
            selection: {
              type: 'Ordinal',
              key: { pathSegment: 2 },
              mapping: { type: 'JumpHash', replicas: 3 },
            },
          },
          {
            name: 'search',
            matches: [{ path: { type: 'Exact', value: '/search' } }],
            backendRefs: [{ name: 'db' }],
            selection: {
              type: 'FanOut',
              respond: 'Merge',
              minSuccess: 3,
              merge: { type: 'ConcatArrays', pointer: '/hits' },
            },
          },
          {
            name: 'unused',
            hostnames: ['unused.example'],
            matches: [
              {
                path: { type: 'Exact', value: '/unused' },
                headers: [{ name: 'x', value: 'y' }],
                queryParams: [{ name: 'q', value: 'v' }],
              },
            ],
            backendRefs: [{ name: 'db', weight: 1 }],
            selection: {
              type: 'Ordinal',
              key: { header: 'x-key' },
              mapping: { type: 'Modulo', replicas: 3 },
            },
          },
          {
            name: 'reads',
            backendRefs: [{ name: 'db' }],
            selection: { type: 'Balance' },
            timeouts: { request: '20s', backendRequest: '20s' },
            retry: { attempts: 2, budget: { percent: 20, minPerSecond: 3 } },
          },
        ],
      },
      {
        name: 'tcp',
        address: `127.0.0.1:${listen[1]}`,
        protocol: 'TCP',
        rules: [
          {
            name: 'all',
            backendRefs: [{ name: 'db' }],
            selection: { type: 'Leader', hold: { timeout: '0s' } },
          },
        ],
      },
    ],
    admin: { address: '127.0.0.1:0' },
    debug: { address: '127.0.0.1:0' },
    log: { level: 'fatal' },
    shutdown: { timeout: '10s' },
  };
}

type Change = (place: Place) => unknown;

/** A mapping of the document by its path, as in `backends[0].leader`. */
function set(path: string, value: unknown | Change): (document: Json, place: Place) => void {
  return (document, place) => {
    const steps = path.replaceAll('[', '.').replaceAll(']', '').split('.');
    const last = steps.pop()!;
    let at = document as Record<string, unknown>;
    for (const step of steps) {
      at[step] ??= {};
      at = at[step] as Record<string, unknown>;
    }
    const next = typeof value === 'function' ? (value as Change)(place) : value;
    if (next === undefined) delete at[last];
    else at[last] = next;
  };
}

const DB = 'backends[0]';
const PROBE = `${DB}.leader.probe`;
const [WRITES, TENANTS, SEARCH, UNUSED, READS] = [0, 1, 2, 3, 4].map((n) => `listeners[0].rules[${n}]`) as [
  string,
  string,
  string,
  string,
  string,
];

/** Health by other means than `httpGet`. */
const health = (kind: Change) => (place: Place) => ({
  period: '100ms',
  timeout: '5s',
  failureThreshold: 2,
  ...(kind(place) as Json),
});
const leaderProbe = (kind: Change) => (place: Place) => ({
  period: '100ms',
  timeout: '5s',
  ...(kind(place) as Json),
});
const expectJson = (json: unknown): unknown => ({ json });
const SENTINELS = [{ name: 'sentinel-0', address: '127.0.0.1:26379' }];
const ordinalOf = (selection: Json): Json => ({ type: 'Ordinal', ...selection });

/** By key of the schema: a change that must go unnoticed. */
export const CHANGES: Readonly<Record<string, (document: Json, place: Place) => void>> = {
  'backends[].name': (document) => {
    (document.backends as Json[])[0]!.name = 'other';
    for (const listener of document.listeners as { rules: { backendRefs: Json[] }[] }[])
      for (const rule of listener.rules) rule.backendRefs[0]!.name = 'other';
  },
  'backends[].service': set(`${DB}.service`, `${SERVICE}.`),
  'backends[].port': set(`${DB}.port`, ({ ports }: Place) => ports.data),
  'backends[].discovery.nameservers': set(`${DB}.discovery.nameservers`, ({ nameserver }: Place) => [
    nameserver,
    nameserver,
  ]),
  'backends[].discovery.refresh.min': set(`${DB}.discovery.refresh.min`, '60ms'),
  'backends[].discovery.refresh.max': set(`${DB}.discovery.refresh.max`, '300ms'),
  'backends[].discovery.absence': set(`${DB}.discovery.absence`, 3),
  'backends[].discovery.emptyHold': set(`${DB}.discovery.emptyHold`, '9s'),
  'backends[].discovery.queryTimeout': set(`${DB}.discovery.queryTimeout`, '3s'),
  'backends[].discovery.statefulSet.name': set(`${DB}.discovery.statefulSet`, { name: 'db', replicas: 3 }),
  'backends[].discovery.statefulSet.replicas': set(`${DB}.discovery.statefulSet`, {
    name: 'db',
    replicas: 4,
  }),
  'backends[].discovery.statefulSet.start': set(`${DB}.discovery.statefulSet`, {
    name: 'db',
    replicas: 3,
    start: 0,
  }),
  'backends[].health.httpGet.path': set(`${DB}.health.httpGet.path`, '/healthz?x'),
  'backends[].health.httpGet.port': set(
    `${DB}.health`,
    health(({ ports }) => ({ httpGet: { path: '/healthz', port: ports.data } })),
  ),
  'backends[].health.httpGet.headers[].name': set(`${DB}.health.httpGet.headers`, [
    { name: 'X-A', value: '1' },
  ]),
  'backends[].health.httpGet.headers[].value': set(`${DB}.health.httpGet.headers`, [
    { name: 'X-A', value: '2' },
  ]),
  'backends[].health.http.method': set(
    `${DB}.health`,
    health(({ ports }) => ({ http: { method: 'POST', path: '/healthz', port: ports.role } })),
  ),
  'backends[].health.http.path': set(
    `${DB}.health`,
    health(({ ports }) => ({ http: { method: 'GET', path: '/healthz?y', port: ports.role } })),
  ),
  'backends[].health.http.port': set(
    `${DB}.health`,
    health(({ ports }) => ({ http: { method: 'GET', path: '/healthz', port: ports.data } })),
  ),
  'backends[].health.http.body': set(
    `${DB}.health`,
    health(({ ports }) => ({ http: { method: 'POST', path: '/healthz', port: ports.role, body: '{}' } })),
  ),
  'backends[].health.http.headers[].name': set(
    `${DB}.health`,
    health(({ ports }) => ({
      http: { method: 'GET', path: '/healthz', port: ports.role, headers: [{ name: 'X-B', value: '1' }] },
    })),
  ),
  'backends[].health.http.headers[].value': set(
    `${DB}.health`,
    health(({ ports }) => ({
      http: { method: 'GET', path: '/healthz', port: ports.role, headers: [{ name: 'X-B', value: '2' }] },
    })),
  ),
  'backends[].health.tcpSocket.port': set(
    `${DB}.health`,
    health(({ ports }) => ({ tcpSocket: { port: ports.role } })),
  ),
  'backends[].health.tcp.port': set(
    `${DB}.health`,
    health(({ ports }) => ({ tcp: { port: ports.speaker, send: 'ROLE\r\n', expect: { contains: '*' } } })),
  ),
  'backends[].health.tcp.send': set(
    `${DB}.health`,
    health(({ ports }) => ({ tcp: { port: ports.speaker, send: 'ROLE x\r\n', expect: { contains: '*' } } })),
  ),
  'backends[].health.tcp.reply': set(
    `${DB}.health`,
    health(({ ports }) => ({
      tcp: { port: ports.speaker, send: 'ROLE\r\n', reply: 'Line', expect: { contains: '*' } },
    })),
  ),
  'backends[].health.tcp.expect.contains': set(
    `${DB}.health`,
    health(({ ports }) => ({ tcp: { port: ports.speaker, send: 'ROLE\r\n', expect: { contains: '\r\n' } } })),
  ),
  'backends[].health.expect.status': set(`${DB}.health.expect`, { status: [200, 204] }),
  'backends[].health.expect.header.name': set(`${DB}.health.expect`, {
    header: { name: 'x-role', value: 'any' },
  }),
  'backends[].health.expect.header.value': set(`${DB}.health.expect`, {
    header: { name: 'X-Role', value: 'any' },
  }),
  'backends[].health.expect.json.pointer': set(
    `${DB}.health.expect`,
    expectJson({ pointer: '/id', equals: 'a' }),
  ),
  'backends[].health.expect.json.equals': set(
    `${DB}.health.expect`,
    expectJson({ pointer: '/n', equals: 1 }),
  ),
  'backends[].health.expect.json.equalsPointer': set(
    `${DB}.health.expect`,
    expectJson({ pointer: '/id', equalsPointer: '/id' }),
  ),
  'backends[].health.period': set(`${DB}.health.period`, '150ms'),
  'backends[].health.timeout': set(`${DB}.health.timeout`, '6s'),
  'backends[].health.failureThreshold': set(`${DB}.health.failureThreshold`, 1),
  'backends[].health.successThreshold': set(`${DB}.health.successThreshold`, 3),
  'backends[].leader.type': set(`${DB}.leader`, { type: 'Ordinal', ordinal: 0 }),
  'backends[].leader.ordinal': set(`${DB}.leader`, {
    type: 'Ordinal',
    ordinal: 0,
    learn: [{ status: [421] }],
  }),
  'backends[].leader.dns.service': set(`${DB}.leader`, {
    type: 'DNS',
    dns: { service: `leader.${SERVICE}` },
  }),
  'backends[].leader.preset': set(`${DB}.leader`, ({ ports }: Place) => ({
    preset: 'redis',
    probe: { tcp: { port: ports.speaker }, period: '100ms', timeout: '5s' },
  })),
  'backends[].leader.onConflict': set(`${DB}.leader.onConflict`, 'HighestTerm'),
  'backends[].leader.learn[].status': set(`${DB}.leader.learn`, [{ status: 421 }]),
  'backends[].leader.learn[].location': set(`${DB}.leader.learn`, [{ status: [307], location: true }]),
  'backends[].leader.learn[].header.name': set(`${DB}.leader.learn`, [
    { status: [503], header: { name: 'X-No' } },
  ]),
  'backends[].leader.learn[].header.value': set(`${DB}.leader.learn`, [
    { status: [503], header: { name: 'X-No', value: 'leader' } },
  ]),
  'backends[].leader.probe.httpGet.path': set(`${PROBE}.httpGet.path`, '/leader?x'),
  'backends[].leader.probe.httpGet.port': set(`${PROBE}.httpGet.port`, ({ ports }: Place) => ports.data),
  'backends[].leader.probe.httpGet.headers[].name': set(`${PROBE}.httpGet.headers`, [
    { name: 'X-C', value: 'a' },
  ]),
  'backends[].leader.probe.httpGet.headers[].value': set(`${PROBE}.httpGet.headers`, [
    { name: 'X-Probe', value: 'b' },
  ]),
  ...Object.fromEntries(
    (
      [
        ['method', { method: 'POST' }],
        ['path', { path: '/leader?z' }],
        ['body', { method: 'POST', body: '{}' }],
        ['headers[].name', { headers: [{ name: 'X-D', value: '1' }] }],
        ['headers[].value', { headers: [{ name: 'X-D', value: '2' }] }],
        ['port', {}],
      ] as const
    ).map(([key, part]) => [
      `backends[].leader.probe.http.${key}`,
      set(
        PROBE,
        leaderProbe(({ ports }) => ({
          http: { method: 'GET', path: '/leader', port: key === 'port' ? ports.data : ports.role, ...part },
          expect: { json: { pointer: '/role', equals: 'leader' } },
        })),
      ),
    ]),
  ),
  ...Object.fromEntries(
    (
      [
        ['port', 'ROLE\r\n', 'master'],
        ['send', 'ROLE \r\n', 'master'],
        ['expect.contains', 'ROLE\r\n', '*3\r\n$6\r\nmaster'],
      ] as const
    ).map(([key, send, contains]) => [
      `backends[].leader.probe.tcp.${key}`,
      set(
        PROBE,
        leaderProbe(({ ports }) => ({ tcp: { port: ports.speaker, send, expect: { contains } } })),
      ),
    ]),
  ),
  'backends[].leader.probe.tcp.reply': set(
    PROBE,
    leaderProbe(({ ports }) => ({
      tcp: { port: ports.speaker, send: 'ROLE\r\n', reply: 'RESP', expect: { contains: 'master' } },
    })),
  ),
  ...Object.fromEntries(
    (
      [
        ['username', { username: 'u', password: 'p' }],
        ['password', { password: 'p' }],
      ] as const
    ).map(([key, auth]) => [
      `backends[].leader.auth.${key}`,
      set(`${DB}.leader`, (place: Place) => ({
        probe: leaderProbe(({ ports }) => ({
          tcp: { port: ports.speaker, send: 'ROLE\r\n', reply: 'RESP', expect: { contains: 'master' } },
        }))(place),
        auth,
      })),
    ]),
  ),
  // Sentinels that nobody finds: the probe decides on.
  ...Object.fromEntries(
    (
      [
        ['service', { service: `sentinel.${SERVICE}` }],
        ['port', { port: 26379 }],
        ['master', { master: 'another' }],
        ['static[].name', { service: undefined, port: undefined, static: SENTINELS }],
        ['static[].address', { service: undefined, port: undefined, static: SENTINELS }],
        ['auth.username', { auth: { username: 'u', password: 'p' } }],
        ['auth.password', { auth: { password: 'p' } }],
      ] as const
    ).map(([key, part]) => [
      `backends[].leader.sentinel.${key}`,
      set(`${DB}.leader`, (place: Place) => ({
        probe: leaderProbe(({ ports }) => ({
          httpGet: { path: '/leader', port: ports.role },
          expect: { json: { pointer: '/role', equals: 'leader' } },
        }))(place),
        sentinel: { service: `sentinels.${SERVICE}`, port: 'sentinel', master: 'mymaster', ...part },
      })),
    ]),
  ),
  ...Object.fromEntries(
    ([{ json: '/id' }, { header: 'X-Role' }, { line: 'id' }] as const).flatMap((place) => [
      [
        `backends[].leader.probe.lineage.id.${Object.keys(place)[0]}`,
        set(`${PROBE}.lineage`, { id: place, previous: { json: '/n' } }),
      ],
      [
        `backends[].leader.probe.lineage.previous.${Object.keys(place)[0]}`,
        set(`${PROBE}.lineage`, { id: { json: '/leader' }, previous: place }),
      ],
    ]),
  ),
  'backends[].leader.probe.expect.status': set(`${PROBE}.expect.status`, [200]),
  'backends[].leader.probe.expect.header.name': set(`${PROBE}.expect`, {
    header: { name: 'x-role', value: 'leader' },
  }),
  'backends[].leader.probe.expect.header.value': set(`${PROBE}.expect`, {
    header: { name: 'X-Role', value: 'leader' },
  }),
  'backends[].leader.probe.expect.json.pointer': set(
    `${PROBE}.expect`,
    expectJson({ pointer: '/leads', equals: true }),
  ),
  'backends[].leader.probe.expect.json.equals': set(
    `${PROBE}.expect`,
    expectJson([
      { pointer: '/role', equals: 'leader' },
      { pointer: '/n', equals: 1 },
    ]),
  ),
  'backends[].leader.probe.expect.json.equalsPointer': set(
    `${PROBE}.expect`,
    expectJson({ pointer: '/id', equalsPointer: '/leader' }),
  ),
  'backends[].leader.probe.term.json': set(`${PROBE}.term`, { json: '/epoch' }),
  'backends[].leader.probe.term.header': set(`${PROBE}.term`, { header: 'X-Term' }),
  'backends[].leader.probe.period': set(`${PROBE}.period`, '150ms'),
  'backends[].leader.probe.timeout': set(`${PROBE}.timeout`, '6s'),
  'backends[].leader.probe.failureThreshold': set(`${PROBE}.failureThreshold`, 1),
  'backends[].leader.probe.successThreshold': set(`${PROBE}.successThreshold`, 3),
  'backends[].leader.probe.searchPeriod': set(`${PROBE}.searchPeriod`, '50ms'),
  'backends[].connection.connectTimeout': set(`${DB}.connection.connectTimeout`, '3s'),
  'backends[].connection.idleTimeout': set(`${DB}.connection.idleTimeout`, '50s'),
  'backends[].connection.maxPerPod': set(`${DB}.connection.maxPerPod`, 500),
  'backends[].connection.onUnready': set(`${DB}.connection.onUnready`, 'Close'),
  'backends[].ejection.consecutiveFailures': set(`${DB}.ejection.consecutiveFailures`, 6),
  'backends[].ejection.baseTime': set(`${DB}.ejection.baseTime`, '5s'),
  'backends[].ejection.maxPercent': set(`${DB}.ejection.maxPercent`, 40),
  'listeners[].name': set('listeners[0].name', 'renamed'),
  'listeners[].debugHeaders': set('listeners[0].debugHeaders', true),
  'listeners[].limits.connections': set('listeners[0].limits', { connections: 9000 }),
  'listeners[].limits.headBytes': set('listeners[0].limits', { headBytes: '32Ki' }),
  'listeners[].limits.headers': set('listeners[0].limits', { headers: 90 }),
  'listeners[].limits.fanOutBytes': set('listeners[0].limits', { fanOutBytes: '32Mi' }),
  'listeners[].timeouts.head': set('listeners[0].timeouts', { head: '9s' }),
  'listeners[].timeouts.idle': set('listeners[0].timeouts', { idle: '70s' }),
  'listeners[].timeouts.body': set('listeners[0].timeouts', { body: '20s' }),
  'listeners[].rules[].name': set(`${WRITES}.name`, 'posts'),
  'listeners[].rules[].hostnames': set(`${UNUSED}.hostnames`, ['*.unused.example']),
  'listeners[].rules[].matches[].method': set(`${WRITES}.matches`, [{ method: ['POST', 'PUT'] }]),
  'listeners[].rules[].matches[].path.type': set(`${TENANTS}.matches`, [
    { path: { type: 'RegularExpression', value: '/t/.*' } },
  ]),
  'listeners[].rules[].matches[].path.value': set(`${TENANTS}.matches`, [
    { path: { type: 'PathPrefix', value: '/t/' } },
  ]),
  'listeners[].rules[].matches[].headers[].name': set(`${UNUSED}.matches[0].headers`, [
    { name: 'z', value: 'y' },
  ]),
  'listeners[].rules[].matches[].headers[].value': set(`${UNUSED}.matches[0].headers`, [
    { name: 'x', value: 'z' },
  ]),
  'listeners[].rules[].matches[].headers[].type': set(`${UNUSED}.matches[0].headers`, [
    { type: 'RegularExpression', name: 'x', value: 'z' },
  ]),
  'listeners[].rules[].matches[].queryParams[].name': set(`${UNUSED}.matches[0].queryParams`, [
    { name: 'p', value: 'v' },
  ]),
  'listeners[].rules[].matches[].queryParams[].value': set(`${UNUSED}.matches[0].queryParams`, [
    { name: 'q', value: 'w' },
  ]),
  'listeners[].rules[].matches[].queryParams[].type': set(`${UNUSED}.matches[0].queryParams`, [
    { type: 'RegularExpression', name: 'q', value: 'w' },
  ]),
  'listeners[].rules[].backendRefs[].name': (document) => {
    // Another backend of the same Service, used at once.
    const backends = document.backends as Json[];
    backends.push({ ...backends[0], name: 'second' });
    set(`${READS}.backendRefs`, [{ name: 'second' }])(document, {} as Place);
  },
  'listeners[].rules[].backendRefs[].weight': set(`${READS}.backendRefs`, [{ name: 'db', weight: 7 }]),
  'listeners[].rules[].selection.type': set(`${READS}.selection`, {
    type: 'Leader',
    hold: { timeout: '0s' },
  }),
  'listeners[].rules[].selection.hold.timeout': set(`${WRITES}.selection.hold.timeout`, '1s'),
  'listeners[].rules[].selection.hold.maxRequests': set(`${WRITES}.selection.hold.maxRequests`, 10),
  'listeners[].rules[].selection.hold.maxBytes': set(`${WRITES}.selection.hold.maxBytes`, '1Mi'),
  'listeners[].rules[].selection.onDemotion': set(`${WRITES}.selection.onDemotion`, 'Drain'),
  'listeners[].rules[].selection.algorithm': set(`${READS}.selection.algorithm`, 'RoundRobin'),
  'listeners[].rules[].selection.over': set(`${READS}.selection.over`, 'Followers'),
  'listeners[].rules[].selection.key.pathSegment': set(`${TENANTS}.selection.key.pathSegment`, 1),
  'listeners[].rules[].selection.key.header': set(`${UNUSED}.selection.key`, { header: 'x-other' }),
  'listeners[].rules[].selection.key.queryParam': set(`${UNUSED}.selection.key`, { queryParam: 'k' }),
  'listeners[].rules[].selection.key.cookie': set(`${UNUSED}.selection.key`, { cookie: 'k' }),
  'listeners[].rules[].selection.key.self': set(`${UNUSED}.selection`, ordinalOf({ ordinal: 1 })),
  'listeners[].rules[].selection.ordinal': set(`${UNUSED}.selection`, ordinalOf({ ordinal: 2 })),
  'listeners[].rules[].selection.whenUnavailable': set(`${TENANTS}.selection.whenUnavailable`, 'NextOrdinal'),
  'listeners[].rules[].selection.mapping.type': set(`${TENANTS}.selection.mapping.type`, 'Modulo'),
  'listeners[].rules[].selection.mapping.replicas': set(`${TENANTS}.selection.mapping.replicas`, 2),
  'listeners[].rules[].selection.mapping.start': set(`${TENANTS}.selection.mapping`, {
    type: 'JumpHash',
    replicas: 2,
    start: 1,
  }),
  'listeners[].rules[].selection.mapping.ranges[].below': set(`${TENANTS}.selection.mapping`, {
    type: 'Range',
    ranges: [{ below: '5', ordinal: 0 }, { ordinal: 2 }],
  }),
  'listeners[].rules[].selection.mapping.ranges[].ordinal': set(`${TENANTS}.selection.mapping`, {
    type: 'Range',
    ranges: [{ below: '5', ordinal: 1 }, { ordinal: 2 }],
  }),
  'listeners[].rules[].selection.respond': set(`${SEARCH}.selection`, {
    type: 'FanOut',
    respond: 'All',
    minSuccess: 3,
  }),
  'listeners[].rules[].selection.minSuccess': set(`${SEARCH}.selection.minSuccess`, 2),
  'listeners[].rules[].selection.merge.type': set(`${SEARCH}.selection.merge`, { type: 'JSONLines' }),
  'listeners[].rules[].selection.merge.pointer': set(`${SEARCH}.selection.merge.pointer`, '/more'),
  'listeners[].rules[].selection.maxResponseBytes': set(`${SEARCH}.selection.maxResponseBytes`, '1Mi'),
  'listeners[].rules[].selection.allowUnsafe': set(`${SEARCH}.selection.allowUnsafe`, true),
  'listeners[].rules[].timeouts.request': set(`${READS}.timeouts.request`, '25s'),
  'listeners[].rules[].timeouts.backendRequest': set(`${READS}.timeouts.backendRequest`, '15s'),
  'listeners[].rules[].retry.attempts': set(`${READS}.retry.attempts`, 3),
  'listeners[].rules[].retry.backoff': set(`${READS}.retry.backoff`, '5ms'),
  'listeners[].rules[].retry.codes': set(`${READS}.retry.codes`, [502]),
  'listeners[].rules[].retry.budget.percent': set(`${READS}.retry.budget.percent`, 30),
  'listeners[].rules[].retry.budget.minPerSecond': set(`${READS}.retry.budget.minPerSecond`, 5),
  'log.level': set('log.level', 'error'),
  'log.access': set('log.access', true),
  'metrics.podLabel': set('metrics.podLabel', false),
  'shutdown.timeout': set('shutdown.timeout', '9s'),
};

/** Keys that a reload cannot change without being noticed, and why. */
export const NOTICED: Readonly<Record<string, string>> = {
  apiVersion: 'there is one value',
  kind: 'there is one value',
  'backends[].discovery.static[].name': 'a list has other Pods than a Service (test/app/static.test.ts)',
  'backends[].discovery.static[].address': 'a list has other Pods than a Service (test/app/static.test.ts)',
  'listeners[].address': 'another address is another listener: clients of the old one are told to close',
  'listeners[].protocol': 'another protocol is another listener',
  'admin.address': 'needs a restart',
  'debug.address': 'needs a restart',
  'self.podName': 'needs a restart',
  ...tlsKeys('the Pods here speak plain text; that a change of it is not noticed: test/app/tls.test.ts'),
};

function tlsKeys(why: string): Record<string, string> {
  const keys = ['ca', 'cert', 'key', 'serverName', 'minVersion', 'verify'];
  const places = ['tls', 'health.tls', 'leader.probe.tls'];
  return Object.fromEntries(places.flatMap((at) => keys.map((key) => [`backends[].${at}.${key}`, why])));
}

/** Every key of the configuration's JSON Schema that holds a scalar or a list of scalars, as in `backends[].port`. */
export function keysOfSchema(): string[] {
  const schema = JSON.parse(JSON.stringify(jsonSchema())) as SchemaNode;
  const keys = new Set<string>();
  walk(schema, schema.$defs ?? {}, '', keys);
  // A list of one may be written as its element: `expect.json` is told once.
  return [...keys].filter((key) => !key.includes('.json[]')).sort();
}

interface SchemaNode {
  readonly $ref?: string;
  readonly $defs?: Record<string, SchemaNode>;
  readonly properties?: Record<string, SchemaNode>;
  readonly items?: SchemaNode;
  readonly anyOf?: SchemaNode[];
  readonly oneOf?: SchemaNode[];
  readonly allOf?: SchemaNode[];
  readonly then?: SchemaNode;
}

/** @returns whether anything lies below */
function walk(given: SchemaNode, defs: Record<string, SchemaNode>, path: string, keys: Set<string>): boolean {
  const node = given.$ref === undefined ? given : defs[given.$ref.split('/').at(-1)!]!;
  let isInner = false;
  for (const [key, below] of Object.entries(node.properties ?? {})) {
    isInner = true;
    const at = path === '' ? key : `${path}.${key}`;
    if (!walk(below, defs, at, keys)) keys.add(at);
  }
  if (node.items !== undefined && walk(node.items, defs, `${path}[]`, keys)) isInner = true;
  for (const other of [
    ...(node.anyOf ?? []),
    ...(node.oneOf ?? []),
    ...(node.allOf ?? []),
    ...(node.then === undefined ? [] : [node.then]),
  ])
    if (walk(other, defs, path, keys)) isInner = true;
  return isInner;
}
