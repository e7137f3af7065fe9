/** What the data plane counts for operators (SPEC 5; docs/metrics.md). */
import { describe, expect, it } from 'vitest';
import type { HistogramCell } from '../../src/observe/primitives.ts';
import { renderMetrics } from '../../src/observe/render.ts';
import { ASK, echo, opened, SWITCH } from '../hazards/tunnels.ts';
import { leaderSelection } from '../helpers/data-plane.ts';
import type { PodConnection, PodRequest } from '../helpers/raw-pod.ts';
import { lines, type Scene, scene } from '../helpers/scene.ts';
import { pause, poll } from '../helpers/waiting.ts';
import { readExposition, sampleValue } from '../observe/exposition.ts';

const GET = lines('GET / HTTP/1.1', 'Host: db');
const POST = lines('POST / HTTP/1.1', 'Host: db', 'Content-Length: 0');

/** A scrape, of what the data plane knows. */
const scrapeOf = ({ plane }: Scene): Promise<string> => {
  plane.plane.countBytes();
  return renderMetrics(() => [...plane.metrics.all(), ...plane.plane.families()]);
};

const histogram = (cells: Iterable<HistogramCell>): { count: number; sum: number } => {
  let [count, sum] = [0, 0];
  for (const cell of cells) {
    count += cell.counts.reduce((a, b) => a + b, 0);
    sum += cell.sum;
  }
  return { count, sum };
};

describe('headroute_upstream_responses_total', () => {
  it("has each Pod's answers by class, whatever became of them", async () => {
    const statuses = [200, 204, 404, 500, 503, 777];
    const onRequest = (c: PodConnection, { target }: PodRequest): void =>
      c.write(`HTTP/1.1 ${target.slice(1)} X\r\n${target === '/204' ? '' : 'Content-Length: 0\r\n'}\r\n`);
    const stage = await scene({ scripts: [{ onRequest }] });
    const client = await stage.client();
    for (const status of statuses) await client.exchange(lines(`GET /${status} HTTP/1.1`, 'Host: db'));
    const text = await scrapeOf(stage);
    const count = (of: string) =>
      sampleValue(text, 'headroute_upstream_responses_total', { backend: 'db', pod: 'db-0', class: of });
    expect(['2xx', '4xx', '5xx', 'other'].map(count)).toEqual([2, 1, 2, 1]);
  });

  it('counts an answer that is not passed on, and an upgrade', async () => {
    const unwell = {
      onRequest: (c: PodConnection) => c.write('HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n'),
    };
    const retry = { attempts: 1, codes: [503], backoffMs: 0, budget: null };
    const stage = await scene({ scripts: [unwell, unwell], rules: [{ retry }] });
    expect((await (await stage.client()).exchange(GET)).status).toBe(503);
    const { metric } = stage.plane;
    expect(metric('headroute_upstream_responses_total', '5xx')).toBe(2);
    const other = await scene({ scripts: [echo] });
    await opened(other);
    expect(other.plane.metric('headroute_upstream_responses_total', '1xx')).toBe(1);
  });
});

describe('headroute_upstream_duration_seconds', () => {
  it("is the Pod's time alone, without what a request was held", async () => {
    const stage = await scene({
      leader: { state: 'none' },
      scripts: [{ onRequest: (c, r) => void pause(30).then(() => c.answer('', r)) }],
      rules: [{ selection: leaderSelection() }],
    });
    const client = await stage.client();
    client.send(POST);
    await poll(() => stage.plane.metric('headroute_held_requests') === 1, 'held');
    await pause(300);
    stage.plane.setLeader('db-0');
    await client.response('POST');
    const { upstreamDuration, requestDuration } = stage.plane.metrics;
    const upstream = histogram(upstreamDuration.cells());
    expect(upstream.count).toBe(1);
    expect(histogram(requestDuration.cells()).sum - upstream.sum).toBeGreaterThan(0.29);
    expect(upstream.sum).toBeGreaterThan(0.029);
  });

  it('has the time that a Pod was waited for in vain, and not that of a client that left', async () => {
    const stage = await scene({
      scripts: [{ onRequest: () => {} }],
      rules: [
        {
          timeouts: { requestMs: 0, backendRequestMs: 60 },
          retry: { attempts: 0, codes: [], backoffMs: 0, budget: null },
        },
      ],
    });
    expect((await (await stage.client()).exchange(GET)).status).toBe(504);
    const leaves = await stage.client();
    leaves.send(GET);
    await stage.pod.request(2);
    leaves.reset();
    await poll(() => stage.plane.metric('headroute_request_failures_total', 'client_gone') === 1, 'it left');
    expect(histogram(stage.plane.metrics.upstreamDuration.cells()).count).toBe(1);
  });
});

describe('headroute_bytes_total', () => {
  const bytes = async (stage: Scene): Promise<(number | undefined)[]> => {
    const text = await scrapeOf(stage);
    return ['received', 'sent'].map((direction) =>
      sampleValue(text, 'headroute_bytes_total', { listener: 'db', direction }),
    );
  };

  it('has all that HTTP clients sent and got: heads, bodies and problems', async () => {
    const stage = await scene({
      scripts: [{ onRequest: (c, r) => c.answer('x'.repeat(100_000), r) }],
    });
    const client = await stage.client();
    const post = `${lines('POST / HTTP/1.1', 'Host: db', 'Content-Length: 5')}12345`;
    const bad = 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n';
    await client.exchange(GET);
    await client.exchange(post, 'POST');
    await client.exchange(bad);
    await client.closed();
    expect(await bytes(stage)).toEqual([GET.length + post.length + bad.length, client.socket.bytesRead]);
  });

  it('has those of an open TCP connection, and the last ones at its end', async () => {
    const script = {
      onConnect: (c: PodConnection) => {
        c.raw = true;
        c.write('hello');
      },
    };
    const stage = await scene({ protocol: 'TCP', scripts: [script] });
    const client = await stage.client();
    await client.hears('hello');
    client.send('ping');
    await stage.pod.until((pod) => pod.last.text === 'ping', 'its bytes at the Pod');
    expect(await bytes(stage)).toEqual([4, 5]);
    client.send('pong');
    await stage.pod.until((pod) => pod.last.text === 'pingpong', 'the rest');
    client.end();
    stage.pod.last.end('bye');
    await client.closed();
    await poll(() => stage.plane.metric('headroute_connections') === 0, 'its end');
    expect(await bytes(stage)).toEqual([8, 8]);
  });

  it('has no byte of an upgrade twice', async () => {
    const stage = await scene({ scripts: [echo] });
    const { client } = await opened(stage);
    await client.echoes('PING');
    const [received, sent] = await bytes(stage);
    expect([received, sent]).toEqual([ASK.length + 4, client.socket.bytesRead]);
    expect(sent).toBeGreaterThan(SWITCH.length);
  });
});

it('headroute_connections_total has those that were turned away, too', async () => {
  const stage = await scene({ limits: { connections: 1 } });
  await (await stage.client()).exchange(GET);
  await (await stage.client()).response();
  const { metric } = stage.plane;
  expect(metric('headroute_connections_total', 'db')).toBe(2);
  expect(metric('headroute_connections', 'db')).toBe(1);
});

it('headroute_connections_closed_total has TCP connections and upgrades by the reason of their end', async () => {
  const stage = await scene({
    protocol: 'TCP',
    leader: { state: 'none' },
    rules: [{ selection: leaderSelection({ hold: { timeoutMs: 0 } }) }],
  });
  await (await stage.client()).closed();
  expect(stage.plane.metric('headroute_connections_closed_total', 'db', 'no_leader')).toBe(1);
  const upgrades = await scene({ scripts: [echo] });
  const { client } = await opened(upgrades);
  client.reset();
  const ends = (reason: string) => upgrades.plane.metric('headroute_connections_closed_total', 'db', reason);
  await poll(() => ends('reset') === 1, 'the end of the upgrade');
  expect(upgrades.plane.metric('headroute_connections_closed_total')).toBe(1);
});

it('headroute_retry_budget_exhausted_total has what would have been tried again', async () => {
  const budget = { percent: 0, minPerSecond: 1 };
  const stage = await scene({
    scripts: [{ onRequest: (c) => c.reset() }, { onRequest: (c) => c.reset() }],
    rules: [{ retry: { attempts: 1, codes: [], backoffMs: 0, budget } }],
  });
  const exhausted = () => stage.plane.metric('headroute_retry_budget_exhausted_total', 'all');
  await (await stage.client()).exchange(GET);
  expect([stage.plane.metric('headroute_retries_total', 'all', 'reset'), exhausted()]).toEqual([1, 0]);
  for (let n = 0; n < 3; n++) await (await stage.client()).exchange(GET);
  expect(exhausted()).toBeGreaterThan(0);
});

it('each gauge that can be full has a limit of its name', async () => {
  const stage = await scene({
    leader: { state: 'none' },
    limits: { connections: 7 },
    connection: { maxPerPod: 9 },
    rules: [{ name: 'writes', selection: leaderSelection({ hold: { maxRequests: 3, maxBytes: 50 } }) }],
  });
  const client = await stage.client();
  client.send(`${lines('POST / HTTP/1.1', 'Host: db', 'Content-Length: 5')}12345`);
  await poll(() => stage.plane.metric('headroute_held_requests') === 1, 'held');
  const families = readExposition(await scrapeOf(stage));
  const limits = families.get('headroute_limit')!.samples;
  expect(
    Object.fromEntries(limits.map(({ labels, value }) => [`${labels.name} ${labels.of}`, value])),
  ).toEqual({
    'connections db': 7,
    'rule_held_requests writes': 3,
    'rule_held_bytes writes': 50,
    'busiest_pod_in_flight db': 9,
  });
  for (const { labels } of limits) expect([...families.keys()]).toContain(`headroute_${labels.name}`);
  const value = (name: string) => families.get(name)!.samples.map((sample) => [sample.labels, sample.value]);
  const labels = { rule: 'writes', backend: 'db' };
  expect(value('headroute_rule_held_requests')).toEqual([[labels, 1]]);
  expect(value('headroute_rule_held_bytes')).toEqual([[labels, 5]]);
});

describe('before anything happened', () => {
  it('counters of what is in force are there, with 0', async () => {
    const stage = await scene({
      leader: 'db-0',
      rules: [
        {
          name: 'writes',
          selection: leaderSelection(),
          retry: { attempts: 1, codes: [], backoffMs: 0, budget: { percent: 1, minPerSecond: 1 } },
        },
      ],
    });
    const at = (text: string, name: string, labels: Record<string, string>) =>
      sampleValue(text, name, labels);
    const rule = 'writes';
    const backend = 'db';
    const wanted: [string, Record<string, string>][] = [
      ['headroute_requests_total', { rule, backend, code: '200' }],
      ['headroute_requests_total', { rule, backend, code: '503' }],
      ['headroute_requests_total', { rule: '', backend: '', code: '404' }],
      ['headroute_request_failures_total', { rule, failure: 'hold_timeout' }],
      ['headroute_request_failures_total', { rule, failure: 'upstream_reset' }],
      ['headroute_request_failures_total', { rule: '', failure: 'no_route' }],
      ['headroute_retries_total', { rule, reason: 'connect_failed' }],
      ['headroute_retry_budget_exhausted_total', { rule }],
      ['headroute_hold_duration_seconds_count', { backend, outcome: 'timeout' }],
      ['headroute_upstream_responses_total', { backend, pod: 'db-0', class: '5xx' }],
      ['headroute_upstream_requests_total', { backend, pod: 'db-0', result: 'reset' }],
      ['headroute_upstream_duration_seconds_count', { backend }],
      ['headroute_connections_total', { listener: 'db' }],
      ['headroute_connections_closed_total', { listener: 'db', reason: 'demotion' }],
      ['headroute_bytes_total', { listener: 'db', direction: 'sent' }],
    ];
    await poll(async () => {
      const text = await scrapeOf(stage);
      return wanted.every(([name, labels]) => at(text, name, labels) === 0);
    }, 'all of them with 0');
  });

  it('no rule has counters of what it cannot do, and a Pod that comes has its own', async () => {
    const stage = await scene({ rules: [{ name: 'reads' }] });
    const failures = () =>
      [...stage.plane.metrics.requestFailures.cells()].flatMap(({ labels }) =>
        labels[0] === 'reads' ? [labels[1]] : [],
      );
    await poll(() => failures().includes('connect_failed'), 'its failures');
    expect(failures()).not.toContain('hold_full');
    expect(failures()).not.toContain('quorum_unmet');
    stage.plane.setPods([
      { name: 'db-0', port: stage.pod.port },
      { name: 'db-7', port: stage.pod.port },
    ]);
    const hasPod = (name: string) =>
      [...stage.plane.metrics.upstreamResponses.cells()].some(({ labels }) => labels[1] === name);
    await poll(() => hasPod('db-7'), 'series of the new Pod');
    stage.plane.setPods([{ name: 'db-0', port: stage.pod.port }]);
    await poll(() => !hasPod('db-7'), 'no series of the Pod that left');
  });
});
