/**
 * What `explain` says is what the next request meets, over a real data plane with real Pods (SPEC 4, "Whoever asks why is told").
 *
 * Story: `explain` was a second, smaller copy of the data path. It named the first Pod of every RoundRobin rule, sent CONNECT to a
 * Pod, promised 503s on TCP connections, knew of no drain, and took a URL of somebody else's port for its own.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { explainInWords } from '../../../src/cli/explain-text.ts';
import { describeRequest } from '../../../src/data/explain/described-request.ts';
import type { FanOutSelection, RuleConfig, Selection } from '../../../src/model/config.ts';
import type { ExplainedOutcome } from '../../../src/model/explanation.ts';
import { FAILURE_NAMES } from '../../../src/model/failure.ts';
import {
  HOLD,
  leaderSelection,
  type PlaneOptions,
  startDataPlane,
  type TestPlane,
} from '../../helpers/data-plane.ts';
import { RawClient } from '../../helpers/raw-client.ts';
import { RawPod } from '../../helpers/raw-pod.ts';
import { poll } from '../../helpers/waiting.ts';
import { value } from '../../helpers/wire.ts';
import { replay } from '../../property/replay.ts';
import { matchOf, ordinalSelection } from '../fixtures.ts';

const NAMES = ['db-0', 'db-1', 'db-2', 'db-3'];
let pods: RawPod[];

beforeAll(async () => {
  pods = await Promise.all(
    NAMES.map((name) =>
      RawPod.start({
        onRequest(connection, request) {
          if (request.target !== '/hang') connection.answer(JSON.stringify(name), request);
        },
      }),
    ),
  );
});
afterAll(() => {
  for (const pod of pods) pod.close();
});

const specOf = (name: string, n: number) => ({ name, port: pods[n]!.port });

async function planeOf(options: Omit<PlaneOptions, 'pods'>, pods = NAMES.map(specOf)): Promise<TestPlane> {
  const plane = await startDataPlane({
    debugHeaders: true,
    proxyName: 'me',
    random: () => 0.4,
    ...options,
    pods,
  });
  return plane;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers?: readonly string[];
}

const described = ({ port }: TestPlane, { method, path, headers = [] }: Asked, at = port) =>
  describeRequest(method, `http://127.0.0.1:${at}${path}`, headers);

/** What a client and the metrics can tell of an outcome, in the words of `explain`. */
type Met = Record<string, unknown> & { type: ExplainedOutcome['type'] };

function expected(outcome: ExplainedOutcome): Met {
  switch (outcome.type) {
    case 'pod':
      return { type: 'pod', pod: outcome.pod };
    case 'pods':
      return { type: 'pods', pods: [...outcome.pods].sort() };
    case 'held':
      return outcome.status === null
        ? { type: 'closed', failure: outcome.end }
        : { type: 'fail', failure: outcome.end, status: outcome.status };
    case 'fail':
      return { type: 'fail', failure: outcome.failure, status: outcome.status };
    case 'answered':
      return { type: 'answered', status: outcome.status };
    case 'closed':
      return { type: 'closed', failure: outcome.failure };
    case 'unreachable':
      return { type: 'unreachable' };
  }
}

async function meet(plane: TestPlane, asked: Asked, isTcp: boolean): Promise<Met> {
  const failures = (): Map<string, number> =>
    new Map(FAILURE_NAMES.map((name) => [name, plane.metric('headroute_request_failures_total', name)]));
  const before = failures();
  let client: RawClient;
  try {
    client = await RawClient.connect(plane.port);
  } catch {
    return { type: 'unreachable' };
  }
  try {
    client.send(described(plane, asked).head);
    if (isTcp) {
      await poll(() => client.rest.length > 0 || client.ending !== null, 'an answer, or the end');
      if (client.rest.length === 0) {
        const after = failures();
        const failure = FAILURE_NAMES.find((name) => after.get(name) !== before.get(name));
        return { type: 'closed', failure };
      }
    }
    const answer = await client.message(asked.method);
    const failure = value(answer, 'x-headroute-failure');
    if (failure !== undefined) return { type: 'fail', failure, status: answer.status };
    const body = answer.body.length === 0 ? null : JSON.parse(answer.body.toString());
    if (body === null) return { type: 'answered', status: answer.status };
    if (typeof body === 'string') return { type: 'pod', pod: body };
    return { type: 'pods', pods: body.responses.map(({ pod }: { pod: string }) => pod).sort() };
  } finally {
    client.destroy();
  }
}

/** `[hold.timeout, timeouts.request]`: far enough apart that a busy machine does not turn them round. */
const waits = fc.constantFrom([0, 0], [30, 0], [30, 2000], [5000, 400]);

function rulesFor(selection: fc.Arbitrary<(hold: typeof HOLD) => Selection>) {
  return fc
    .record({
      selection,
      wait: waits,
      methods: fc.subarray(['GET', 'POST', 'TRACE']),
      path: fc.constantFrom(null, '/t', '/t/1'),
    })
    .map(
      ({ selection, wait: [timeoutMs, requestMs], methods, path }): Partial<RuleConfig> => ({
        selection: selection({ ...HOLD, timeoutMs: timeoutMs! }),
        matches:
          path === null && methods.length === 0
            ? []
            : [matchOf({ methods, path: path === null ? null : { type: 'PathPrefix', value: path } })],
        timeouts: { requestMs: requestMs!, backendRequestMs: 0 },
      }),
    );
}

const FAN_OUT: Omit<FanOutSelection, 'over' | 'allowUnsafe'> = {
  type: 'FanOut',
  respond: 'All',
  minSuccess: null,
  merge: null,
  maxResponseBytes: 65_536,
};
const whenUnavailable = fc.constantFrom('Fail', 'Hold', 'NextOrdinal', 'Leader');
const ofOnePod = fc.oneof(
  fc.constant((hold: typeof HOLD) => leaderSelection({ hold })),
  fc
    .tuple(fc.constantFrom('Ready', 'Followers'), fc.constantFrom('LeastRequest', 'RoundRobin', 'Random'))
    .map(
      ([over, algorithm]) =>
        () =>
          ({ type: 'Balance', over, algorithm }) as Selection,
    ),
  fc.tuple(fc.nat(4), whenUnavailable).map(
    ([ordinal, when]) =>
      (hold: typeof HOLD): Selection =>
        ordinalSelection({ ordinal, whenUnavailable: when, hold }),
  ),
);
const ofAny = fc.oneof(
  { arbitrary: ofOnePod, weight: 4 },
  {
    arbitrary: whenUnavailable.map(
      (when) =>
        (hold: typeof HOLD): Selection =>
          ordinalSelection({ key: { from: 'pathSegment', index: 2 }, whenUnavailable: when, hold }),
    ),
    weight: 1,
  },
  {
    arbitrary: fc.tuple(fc.constantFrom('All', 'Followers'), fc.boolean()).map(
      ([over, allowUnsafe]) =>
        () =>
          ({ ...FAN_OUT, over, allowUnsafe }) as Selection,
    ),
    weight: 1,
  },
);

const asked: fc.Arbitrary<Asked> = fc.record({
  method: fc.oneof(
    { arbitrary: fc.constantFrom('GET', 'POST', 'DELETE'), weight: 3 },
    { arbitrary: fc.constantFrom('CONNECT', 'TRACE', 'OPTIONS'), weight: 1 },
  ),
  path: fc.constantFrom('/', '/t/1', '/t/2?x=1', '/t/x', '/t'),
  headers: fc.subarray(
    [
      'Max-Forwards: 0',
      'Max-Forwards: 7',
      'Via: 1.1 me',
      'Via: 1.1 you (me)',
      'Cookie: a=b',
      'Content-Length: 0',
      'Expect: more',
    ],
    { maxLength: 2 },
  ),
});

const world = fc.record({
  states: fc.array(fc.constantFrom('ready', 'ready', 'unready', 'draining'), { minLength: 4, maxLength: 4 }),
  known: fc.integer({ min: 0, max: 4 }),
  leader: fc.oneof(
    fc.constantFrom(...NAMES),
    fc.constantFrom('none', 'conflict', 'unconfigured').map((state) => ({ state })),
  ),
});

describe('what explain says is what the next request meets', () => {
  const check = async (
    protocol: 'HTTP' | 'TCP',
    rules: readonly Partial<RuleConfig>[],
    { states, known, leader }: typeof world extends fc.Arbitrary<infer W> ? W : never,
    requests: readonly Asked[],
    drainAt: number,
  ): Promise<void> => {
    const specs = states.slice(0, known).map((state, n) => ({ ...specOf(NAMES[n]!, n), state }));
    const named = rules.map((rule, n) => ({ ...rule, name: `rule-${n}` }));
    const plane = await planeOf({ protocol, rules: named, leader }, specs);
    try {
      for (const [n, request] of requests.entries()) {
        if (n === drainAt) plane.plane.drain();
        const { outcome } = plane.plane.explain(described(plane, request));
        expect(await meet(plane, request, protocol === 'TCP')).toEqual(expected(outcome));
      }
    } finally {
      await plane.close();
    }
  };

  it('of an HTTP listener', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(rulesFor(ofAny), { minLength: 1, maxLength: 3 }),
        world,
        fc.array(asked, { minLength: 1, maxLength: 4 }),
        fc.nat(12),
        (rules, state, requests, drainAt) => check('HTTP', rules, state, requests, drainAt),
      ),
      { numRuns: 80, ...replay() },
    );
  }, 120_000);

  it('of a TCP listener', async () => {
    // `timeouts.request` is none of a connection's.
    const rule = fc
      .tuple(ofOnePod, fc.constantFrom(0, 30))
      .map(([selection, timeoutMs]) => ({ selection: selection({ ...HOLD, timeoutMs }) }));
    await fc.assert(
      fc.asyncProperty(
        rule,
        world,
        fc.array(fc.constant({ method: 'GET', path: '/' }), { minLength: 1, maxLength: 3 }),
        fc.nat(8),
        (one, state, requests, drainAt) => check('TCP', [one], state, requests, drainAt),
      ),
      { numRuns: 40, ...replay() },
    );
  }, 120_000);

  const opened = async (options: Omit<PlaneOptions, 'pods'>): Promise<TestPlane> => {
    const plane = await planeOf(options);
    onTestFinished(() => plane.close());
    return plane;
  };
  const explain = (plane: TestPlane, request: Asked) => plane.plane.explain(described(plane, request));
  const GET: Asked = { method: 'GET', path: '/' };

  it('RoundRobin: the Pod whose turn it is, and asking takes no turn', async () => {
    const plane = await opened({});
    for (const pod of ['db-0', 'db-1', 'db-2', 'db-3', 'db-0']) {
      for (let n = 0; n < 3; n++)
        expect(explain(plane, GET).outcome).toMatchObject({ type: 'pod', pod, certain: true });
      expect(await meet(plane, GET, false)).toEqual({ type: 'pod', pod });
    }
  });

  it('a Pod that has connection.maxPerPod requests in flight is passed over; where all have, overloaded', async () => {
    const plane = await opened({ connection: { maxPerPod: 1 } });
    for (let n = 0; n < NAMES.length; n++) {
      const { outcome } = explain(plane, GET);
      expect(outcome).toMatchObject({ type: 'pod', pod: NAMES[n] });
      const client = await RawClient.connect(plane.port);
      onTestFinished(() => client.destroy());
      client.send('GET /hang HTTP/1.1\r\nHost: a\r\n\r\n');
      await poll(() => plane.metric('headroute_upstream_connections', 'active') === n + 1, 'a Pod is busy');
    }
    const told = explain(plane, GET);
    expect(told.outcome).toMatchObject({ type: 'fail', failure: 'overloaded', status: 503 });
    expect(told.backends[0]!.candidates).toEqual([]);
    expect(await meet(plane, GET, false)).toEqual(expected(told.outcome));
  });

  it('hold_full where hold.maxRequests wait already', async () => {
    const hold = { maxRequests: 1 };
    const plane = await opened({
      leader: { state: 'none' },
      rules: [{ selection: leaderSelection({ hold }) }],
    });
    expect(explain(plane, GET).outcome).toMatchObject({ type: 'held', end: 'hold_timeout', status: 503 });
    const client = await RawClient.connect(plane.port);
    onTestFinished(() => client.destroy());
    client.send(described(plane, GET).head);
    await poll(() => plane.metric('headroute_held_requests') === 1, 'one waits');
    const { outcome } = explain(plane, GET);
    expect(outcome).toMatchObject({ type: 'fail', failure: 'hold_full', status: 503 });
    expect(await meet(plane, GET, false)).toEqual(expected(outcome));
  });

  it('a fan-out that finds no room in limits.fanOutBytes: overloaded', async () => {
    const limits = { fanOutBytes: 1000 };
    const plane = await opened({
      limits,
      rules: [{ selection: { ...FAN_OUT, over: 'All', allowUnsafe: false } }],
    });
    const { outcome } = explain(plane, GET);
    expect(outcome).toMatchObject({ type: 'fail', failure: 'overloaded' });
    expect(await meet(plane, GET, false)).toEqual(expected(outcome));
  });

  it('a fan-out whose body is announced as larger than what is kept: 413', async () => {
    const plane = await opened({ rules: [{ selection: { ...FAN_OUT, over: 'All', allowUnsafe: true } }] });
    const request = { method: 'POST', path: '/', headers: ['Content-Length: 65537'] };
    const { outcome } = explain(plane, request);
    expect(outcome).toMatchObject({ type: 'fail', failure: 'bad_request', status: 413 });
    expect(await meet(plane, request, false)).toEqual(expected(outcome));
  });

  it('a TCP connection past limits.connections is closed at once', async () => {
    const plane = await opened({ protocol: 'TCP', limits: { connections: 1 } });
    const first = await RawClient.connect(plane.port);
    onTestFinished(() => first.destroy());
    await poll(() => plane.metric('headroute_connections') === 1, 'one is open');
    const { outcome } = explain(plane, GET);
    expect(outcome).toMatchObject({ type: 'closed', failure: 'overloaded' });
    expect(await meet(plane, GET, true)).toEqual(expected(outcome));
  });

  it('a port that nobody listens on is nobody, not the first listener', async () => {
    const plane = await opened({});
    const other = plane.port === 65_535 ? plane.port - 1 : plane.port + 1;
    const told = plane.plane.explain(described(plane, GET, other));
    expect(told).toMatchObject({ listener: null, rule: null, outcome: { type: 'unreachable' } });
  });

  it('the limits of the listener hold for what is described, too', async () => {
    const plane = await opened({ limits: { headers: 3 } });
    const request = { ...GET, headers: ['a: 1', 'b: 2', 'c: 3'] };
    const { outcome } = explain(plane, request);
    expect(outcome).toMatchObject({ type: 'fail', failure: 'head_too_large', status: 431 });
    expect(await meet(plane, request, false)).toEqual(expected(outcome));
  });

  it('rules that match too, but less specifically, are named', async () => {
    const plane = await opened({
      rules: [
        { name: 'exact', matches: [matchOf({ path: { type: 'Exact', value: '/t' } })] },
        { name: 'posts', matches: [matchOf({ methods: ['POST'] })] },
        { name: 'under', matches: [matchOf({ path: { type: 'PathPrefix', value: '/t' } })] },
        { name: 'rest' },
      ],
    });
    const told = explain(plane, { method: 'GET', path: '/t' });
    expect(told.rule).toBe('exact');
    expect(told.alsoMatch.map(({ rule }) => rule)).toEqual(['under', 'rest']);
  });

  it('a write that a more specific rule takes from a Leader rule is told of, by the very example of the contract', async () => {
    const tenant = { name: 'tenant', matches: [matchOf({ path: { type: 'PathPrefix', value: '/t' } })] };
    const writes = {
      name: 'writes',
      matches: [matchOf({ methods: ['POST'] })],
      selection: { type: 'Leader', hold: HOLD, onDemotion: 'Close' } as const,
    };
    const plane = await opened({ rules: [tenant, writes, { name: 'rest' }] });
    const post = explain(plane, { method: 'POST', path: '/t/acme/x' });
    expect([post.rule, post.leavesLeaderRule]).toEqual(['tenant', 'writes']);
    expect(explainInWords(post)).toMatch(
      /^ {2}this write leaves rule writes \(Leader\), since tenant is more specific: its Pod need not lead$/m,
    );
    expect(explainInWords(post)).toMatch(/^ {2}also writes, less specific: method is POST$/m);
    // A read leaves nothing, and a write that is taken by the Leader rule neither.
    expect(explain(plane, { method: 'GET', path: '/t/acme/x' }).leavesLeaderRule).toBeNull();
    expect(explain(plane, { method: 'POST', path: '/x' })).toMatchObject({
      rule: 'writes',
      leavesLeaderRule: null,
    });
  });
});
