import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { DbPod } from '../app/support/pod.ts';
import { Sidecar } from '../app/support/sidecar.ts';
import { type Document, LEADER, listener, Stage } from '../app/support/stage.ts';
import { documentedQueries, shippedPanels, shippedRules } from '../helpers/monitoring.ts';
import { eventually } from './support/eventually.ts';
import { Prometheus, promtool } from './support/prometheus.ts';

/**
 * What operators see: a real Prometheus scrapes a real sidecar through a failover and worse. The rules are the shipped ones, with
 * all their times made shorter.
 */

/** A minute is two seconds here. */
const FASTER = 30;
const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000 };

/** Durations, and the threshold of what is said in seconds. */
function faster(text: string): string {
  return text
    .replace(/\b(\d+)([sm])\b/g, (_, count, unit) => `${(Number(count) * UNITS[unit]!) / FASTER}ms`)
    .replace(/> 120$/, `> ${120 / FASTER}`);
}

function fasterRules(): string {
  const groups = shippedRules().groups.map(({ name, rules }) => ({
    name,
    rules: rules.map((rule) => ({ ...rule, expr: faster(rule.expr), for: faster(rule.for ?? '0s') })),
  }));
  return stringify({ groups });
}

/** As Grafana fills a panel's variables in. */
function filledIn(expr: string): string {
  const filled = expr
    .replaceAll('$namespace', 'test')
    .replaceAll('$backend', '.*')
    .replaceAll('$__rate_interval', '1m');
  expect(filled).not.toMatch(/\$[a-z_]/);
  return filled;
}

const WITHIN_MS = 60_000;
const RULES = [
  {
    name: 'writes',
    matches: [{ method: 'POST' }],
    backendRefs: [{ name: 'db' }],
    selection: { type: 'Leader', hold: { timeout: '60s', maxRequests: 5 } },
    timeouts: { request: '0s' },
  },
  {
    name: 'search',
    matches: [{ path: { type: 'PathPrefix', value: '/search' } }],
    backendRefs: [{ name: 'db' }],
    selection: { type: 'FanOut', respond: 'All' },
  },
  {
    name: 'reads',
    backendRefs: [{ name: 'db' }],
    retry: { attempts: 2, backoff: '0ms', budget: { percent: 1, minPerSecond: 1 } },
  },
];

let stage: Stage;
let sidecar: Sidecar;
let prometheus: Prometheus;
let document: Document;

const pod = (n: number): DbPod => stage.pods[n]!;

async function fires(...names: string[]): Promise<void> {
  const firing = async (): Promise<boolean> => {
    const now = await prometheus.firing();
    return names.every((name) => now.has(name));
  };
  await eventually(firing, `${names.join(', ')} to fire`, WITHIN_MS);
}

async function clears(): Promise<void> {
  let left: string[] = [];
  const quiet = async (): Promise<boolean> => {
    left = [...(await prometheus.firing())];
    return left.length === 0;
  };
  await eventually(quiet, 'all alerts to clear', WITHIN_MS).catch((error: unknown) => {
    throw new Error(`${left.join(', ')} still fire: ${error}`);
  });
}

const get = async (path = '/'): Promise<number> => (await fetch(sidecar.url + path)).status;
const post = async (): Promise<number> => (await fetch(sidecar.url, { method: 'POST', body: 'x' })).status;

async function lead(...leaders: number[]): Promise<void> {
  for (const [n, each] of stage.pods.entries()) each.leads = leaders.includes(n);
  const state = leaders.length === 1 ? 'known' : leaders.length === 0 ? 'none' : 'conflict';
  await sidecar.until(
    async () => (await sidecar.state()).backends[0]!.leadership.state === state,
    `leadership ${state}`,
    15_000,
  );
}

/** A TCP connection that says something, hears something and ends. */
function talk(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    socket.once('data', () => socket.end());
    socket.once('error', reject);
    socket.once('close', () => resolve());
  });
}

beforeAll(async () => {
  stage = await Stage.raise(['db-0', 'db-1', 'db-2']);
  document = stage.document({
    backends: [stage.backend({ leader: LEADER })],
    listeners: [
      listener({ rules: RULES }),
      listener({ name: 'raw', protocol: 'TCP', rules: [{ name: 'raw', backendRefs: [{ name: 'db' }] }] }),
    ],
  });
  sidecar = await Sidecar.start(document);
  await lead(0);
  await sidecar.pods(3);
  prometheus = await Prometheus.start(sidecar.admin, fasterRules());
  await eventually(async () => (await prometheus.query('up')).length === 1, 'a first scrape');
});

afterAll(async () => {
  await prometheus?.stop();
  await sidecar?.dispose();
  await stage?.close();
});

describe('a first burst', () => {
  it('between two scrapes is an increase: counters exist from 0 on', async () => {
    const answer = pod(0).onRequest;
    for (const each of stage.pods)
      each.onRequest = (connection) => connection.write('HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n');
    expect(await Promise.all([1, 2, 3, 4].map(() => post()))).toEqual([500, 500, 500, 500]);
    for (const each of stage.pods) each.onRequest = answer;
    const increase = async (of: string): Promise<number> =>
      Number((await prometheus.query(`sum(increase(${of}[1m]))`))[0]?.value[1] ?? 0);
    await eventually(
      async () => (await increase('headroute_requests_total{rule="writes",code="500"}')) >= 4,
      'requests',
    );
    await eventually(
      async () => (await increase('headroute_upstream_responses_total{pod="db-0",class="5xx"}')) >= 4,
      'answers of the Pod',
    );
  });
});

describe('alerts fire and clear', () => {
  it('no leader, a hold queue that fills up, and DNS that is silent', async () => {
    expect([...(await prometheus.firing())]).toEqual([]);
    await lead();
    const writes = [1, 2, 3, 4, 5].map(() => post());
    stage.dns.onQuery = () => ({ do: 'drop' });
    await fires('HeadrouteNoLeader', 'HeadrouteHoldQueueNearLimit', 'HeadrouteDnsStale');
    // The failover.
    await lead(1);
    expect(await Promise.all(writes)).toEqual([200, 200, 200, 200, 200]);
    expect(pod(1).requests.filter(({ method }) => method === 'POST')).toHaveLength(5);
    stage.dns.onQuery = null;
    await clears();
  });

  it('two leaders, a refused change of the configuration, and a budget of retries that is spent', async () => {
    await lead(0, 1);
    sidecar.write(stringify(document).replace('kind: ProxyConfig', 'kind: Nonsense'));
    for (const each of stage.pods) each.onRequest = (connection) => connection.socket.destroy();
    for (let n = 0; n < 20; n++) await get();
    await fires('HeadrouteTwoLeaders', 'HeadrouteReloadFailed', 'HeadrouteRetryBudgetExhausted');
    for (const each of stage.pods) each.onRequest = null;
    await lead(1);
    sidecar.write(document);
    await clears();
  });

  it('Pods that are unready, then all of them', async () => {
    pod(2).health = 500;
    await fires('HeadroutePodsUnready');
    for (const each of stage.pods) each.health = 500;
    await fires('HeadrouteNoPodReady');
    for (const each of stage.pods) each.health = 200;
    await clears();
  });
});

describe('what is asked', () => {
  beforeAll(async () => {
    for (let n = 0; n < 20; n++) {
      await get();
      await get('/search');
      await post();
      await talk(sidecar.port('raw'));
    }
    await eventually(
      async () =>
        Number(
          (await prometheus.query('headroute_connections_closed_total{listener="raw",reason="client"}'))[0]
            ?.value[1],
        ) >= 20,
      'the last scrape has them',
    );
  });

  it.each(shippedPanels().flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const)))(
    'panel %s has something to show: %s',
    async (_, expr) => {
      expect((await prometheus.query(filledIn(expr))).length).toBeGreaterThan(0);
    },
  );

  it.each(documentedQueries().map(({ question, expr }) => [question, expr] as const))(
    'docs/metrics.md: %s: %s',
    async (_, expr) => {
      const series = await prometheus.query(expr);
      // What asks for what is wrong may find nothing.
      if (!/(> 0|> 1|== 0|== 1)$/.test(expr)) expect(series.length).toBeGreaterThan(0);
    },
  );
});

it('promtool check metrics finds nothing on a scrape', async () => {
  expect(promtool(['check', 'metrics'], await sidecar.scrape())).toEqual({ status: 0, said: '' });
});

it('log lines that nobody reads fire, and clear when there are none', async () => {
  const log = (level: string) => fetch(`http://${sidecar.debug}/log?level=${level}`, { method: 'POST' });
  await log('trace');
  sidecar.closeStreams();
  pod(0).health = 500;
  await fires('HeadrouteLogLinesDropped');
  pod(0).health = 200;
  await sidecar.pods(3);
  await log('fatal');
  await clears();
});
