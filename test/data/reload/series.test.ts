/** Series of what a reload renamed or removed do not stay, and those of what stays go on (SPEC 5; field-cases.md M1). */
import { describe, expect, it } from 'vitest';
import { leaderSelection, type Reload } from '../../helpers/data-plane.ts';
import { RawClient } from '../../helpers/raw-client.ts';
import type { PodConnection } from '../../helpers/raw-pod.ts';
import { lines, type Scene, scene } from '../../helpers/scene.ts';
import { poll } from '../../helpers/waiting.ts';
import { matchOf } from '../fixtures.ts';

const RELOADS = 80;
const GET = lines('GET / HTTP/1.1', 'Host: db');
const POST = lines('POST / HTTP/1.1', 'Host: db', 'Content-Length: 0');

interface Names {
  readonly backend: string;
  readonly reads: string;
  readonly writes: string;
}

const FIRST: Names = { backend: 'db', reads: 'reads', writes: 'writes' };

/** A rule that answers, and one whose requests are held, time out and are turned away. */
function rulesOf({ backend, reads, writes }: Names): Reload['rules'] {
  const backendRefs = [{ name: backend, weight: 1 }];
  return [
    { name: reads, backendRefs, matches: [matchOf({ methods: ['GET'] })] },
    { name: writes, backendRefs, selection: leaderSelection({ hold: { timeoutMs: 20, maxRequests: 1 } }) },
  ];
}

/** Every series, by family and labels. */
function seriesOf({ plane }: Scene): string[] {
  const series: string[] = [];
  for (const family of plane.metrics.all())
    for (const { labels } of family.cells())
      series.push(`${family.name} ${family.labelNames.map((name, i) => `${name}=${labels[i]}`)}`);
  return series.sort();
}

/** A bit of everything that is counted. */
async function traffic(stage: Scene): Promise<void> {
  const clients = await Promise.all([1, 2, 3].map(() => RawClient.connect(portOf(stage))));
  await clients[0]!.exchange(GET);
  await Promise.all(clients.slice(1).map((client) => client.exchange(POST)));
  for (const client of clients) client.destroy();
}

const portOf = ({ plane }: Scene): number => plane.plane.addresses()[0]!.port;

const KINDS: Record<string, (n: number) => Reload> = {
  'rules are renamed': (n) => ({ rules: rulesOf({ ...FIRST, reads: `r${n}`, writes: `w${n}` }) }),
  'a backend is renamed': (n) => ({ backend: `b${n}`, rules: rulesOf({ ...FIRST, backend: `b${n}` }) }),
  'everything is renamed': (n) => ({
    backend: `b${n}`,
    listener: { name: `l${n}` },
    rules: rulesOf({ backend: `b${n}`, reads: `r${n}`, writes: `w${n}` }),
  }),
  'a rule is removed and put back': (n) => ({ rules: n % 2 === 0 ? [] : (rulesOf(FIRST) ?? []) }),
  'settings change': (n) => ({
    rules: (rulesOf(FIRST) ?? []).map((rule) => ({
      ...rule,
      timeouts: { requestMs: 1000 + n, backendRequestMs: 0 },
    })),
  }),
};

describe.each(Object.entries(KINDS))('where %s', (_, change) => {
  it(`${RELOADS} reloads leave the series that were there before`, async () => {
    const stage = await scene({ leader: { state: 'none' }, rules: rulesOf(FIRST) });
    await traffic(stage);
    // What is told of a refused rule is told of no rule.
    const client = await stage.client();
    await client.exchange(lines('PUT http://x:y/ HTTP/1.1', 'Host: db'));
    client.destroy();
    await stage.plane.reload({ rules: [] });
    await traffic(stage);
    await stage.plane.reload({ rules: rulesOf(FIRST) });
    await traffic(stage);
    const isShown = (): boolean => seriesOf(stage).some((text) => /rule=writes,.*code=504/.test(text));
    await poll(isShown, 'what is in force to have its series');
    const before = seriesOf(stage);
    for (let n = 0; n < RELOADS; n++) {
      await stage.plane.reload(change(n));
      if (n % 8 === 0) await traffic(stage);
    }
    await stage.plane.reload({ backend: 'db', listener: { name: 'db' }, rules: rulesOf(FIRST) });
    await traffic(stage);
    await poll(() => seriesOf(stage).length === before.length, 'as many series as before');
    expect(seriesOf(stage)).toEqual(before);
  }, 30_000);
});

it('what stays is not counted anew', async () => {
  const stage = await scene({ leader: { state: 'none' }, rules: rulesOf(FIRST) });
  const answered = (): number => stage.plane.metric('headroute_requests_total', 'reads', 'db', '200');
  await traffic(stage);
  for (let n = 1; n <= 5; n++) {
    await stage.plane.reload({ rules: rulesOf({ ...FIRST, writes: `w${n}` }) });
    await poll(() => !seriesOf(stage).some((text) => text.includes(`rule=w${n - 1}`)), 'the old rule gone');
    await traffic(stage);
    expect(answered()).toBe(n + 1);
  }
  expect(stage.plane.metric('headroute_upstream_requests_total', 'db', 'ok')).toBe(6);
});

it('a name that comes back counts from nothing, and right', async () => {
  const stage = await scene({ leader: { state: 'none' }, rules: rulesOf(FIRST) });
  await traffic(stage);
  await stage.plane.reload({ backend: 'pg', rules: rulesOf({ backend: 'pg', reads: 'r', writes: 'w' }) });
  await poll(() => !seriesOf(stage).some((text) => /(rule=reads|backend=db)/.test(text)), 'old ones gone');
  await stage.plane.reload({ backend: 'db', rules: rulesOf(FIRST) });
  await traffic(stage);
  const { metric } = stage.plane;
  expect(metric('headroute_requests_total', 'reads', 'db', '200')).toBe(1);
  expect(metric('headroute_upstream_requests_total', 'db', 'ok')).toBe(1);
  expect(metric('headroute_requests_in_flight')).toBe(0);
  expect(metric('headroute_held_requests')).toBe(0);
  expect(metric('headroute_upstream_connections', 'active')).toBe(0);
  expect(metric('headroute_upstream_connections', 'idle')).toBe(1);
});

it('the last request on a connection of a removed listener is counted, and its series go again', async () => {
  let answer = (): void => {};
  const script = {
    onRequest: (connection: PodConnection) => {
      answer = () => connection.answer('');
    },
  };
  const stage = await scene({ scripts: [script], rules: rulesOf(FIRST) });
  const client = await stage.client();
  client.send(GET);
  await stage.pod.request(1);
  answer();
  await client.response();
  await stage.plane.reload({ listener: null });
  const hasRule = (): boolean => seriesOf(stage).some((text) => text.includes('rule=reads'));
  await poll(() => !hasRule(), 'its series gone');
  client.send(GET);
  await stage.pod.request(2);
  expect(stage.plane.metric('headroute_requests_in_flight', 'reads')).toBe(1);
  answer();
  expect((await client.response()).status).toBe(200);
  expect(stage.plane.metric('headroute_requests_total', 'reads', 'db', '200')).toBe(1);
  await poll(() => !hasRule(), 'its series gone again');
});
