/** What is held waits on under the rule that matches after a reload (SPEC 2, Reload; field-cases.md B1). */
import { describe, expect, it } from 'vitest';
import type { MatchConfig, RuleConfig } from '../../../src/model/config.ts';
import type { Reload } from '../../helpers/data-plane.ts';
import { leaderSelection } from '../../helpers/data-plane.ts';
import type { RawClient } from '../../helpers/raw-client.ts';
import { expectProblem, lines, type Scene, scene } from '../../helpers/scene.ts';
import { pause, poll } from '../../helpers/waiting.ts';
import { matchOf } from '../fixtures.ts';

const NOBODY = { state: 'none' } as const;
const POST = `${lines('POST /w HTTP/1.1', 'Host: db', 'Content-Length: 4')}body`;

function writes(backend: string, hold = {}, part: Partial<RuleConfig> = {}): Partial<RuleConfig> {
  return {
    name: `to-${backend}`,
    backendRefs: [{ name: backend, weight: 1 }],
    selection: leaderSelection({ hold }),
    ...part,
  };
}

const only = (method: string): MatchConfig[] => [matchOf({ methods: [method] })];

/** A scene without a leader, and a client whose request is held under the rule `to-db`. */
async function held(
  request = POST,
  hold = {},
): Promise<{ stage: Scene; client: RawClient; reload(change: Reload): Promise<void> }> {
  const stage = await scene({ leader: NOBODY, rules: [writes('db', hold)] });
  const client = await stage.client();
  client.send(request);
  await untilHeld(stage, 'db', 1);
  return { stage, client, reload: (change) => stage.plane.reload(change) };
}

const heldBy = ({ plane }: Scene, backend: string): number =>
  plane.metric('headroute_held_requests', backend);
const untilHeld = (stage: Scene, backend: string, count: number): Promise<unknown> =>
  poll(() => heldBy(stage, backend) === count, `${count} held for ${backend}`);
const inFlight = ({ plane }: Scene, rule: string): number =>
  plane.metric('headroute_requests_in_flight', rule);

describe('a held write', () => {
  it('B1: whose backend got another name is sent to the leader that comes', async () => {
    const { stage, client, reload } = await held();
    await reload({ backend: 'pg', rules: [writes('pg')] });
    stage.plane.setLeader('db-0');
    expect((await client.response('POST')).status).toBe(200);
    expect(stage.pod.requests.map(({ target }) => target)).toEqual(['/w']);
  });

  it('counts where it ends', async () => {
    const { stage, client, reload } = await held();
    await reload({ backend: 'pg', rules: [writes('pg')] });
    expect([heldBy(stage, 'pg'), heldBy(stage, 'db')]).toEqual([1, 0]);
    expect([inFlight(stage, 'to-pg'), inFlight(stage, 'to-db')]).toEqual([1, 0]);
    stage.plane.setLeader('db-0');
    await client.response('POST');
    const { requests, holdDuration } = stage.plane.metrics;
    const counted = [...requests.cells()].filter(({ value }) => value > 0);
    expect(counted.map(({ labels }) => labels)).toEqual([['to-pg', 'pg', '200']]);
    const ends = [...holdDuration.cells()].filter(({ counts }) => counts.some((count) => count > 0));
    expect(ends.map(({ labels }) => labels)).toEqual([['pg', 'released']]);
    expect([inFlight(stage, 'to-pg'), heldBy(stage, 'pg')]).toEqual([0, 0]);
  });

  it('has waited already what it waited under the other rule', async () => {
    const { stage, client, reload } = await held(POST, { timeoutMs: 60_000 });
    await pause(150);
    await reload({ backend: 'pg', rules: [writes('pg', { timeoutMs: 100 })] });
    expect(heldBy(stage, 'pg')).toBe(0);
    expectProblem(await client.response('POST'), 'hold_timeout', false);
    expect(stage.plane.metric('headroute_request_failures_total', 'to-pg', 'hold_timeout')).toBe(1);
  });

  it('that may wait no more is told why there is no leader', async () => {
    const { client, reload } = await held();
    await reload({ rules: [writes('db', { timeoutMs: 0 })] });
    expectProblem(await client.response('POST'), 'no_leader', false);
  });

  it('that a lower limit would not have let in waits on, and counts for it', async () => {
    const { stage, client, reload } = await held();
    const second = await stage.client();
    second.send(POST);
    await untilHeld(stage, 'db', 2);
    await reload({ rules: [writes('db', { maxRequests: 1 })] });
    const third = await stage.client();
    expectProblem(await third.exchange(POST), 'hold_full', false);
    stage.plane.setLeader('db-0');
    expect((await client.response('POST')).status).toBe(200);
    expect((await second.response('POST')).status).toBe(200);
  });

  it('that no rule matches any more gets no_route, and counts for no rule', async () => {
    const { stage, client, reload } = await held();
    await reload({ rules: [writes('db', {}, { matches: only('GET') })] });
    expectProblem(await client.response('POST'), 'no_route', false);
    expect(stage.plane.metric('headroute_requests_total', '', '404')).toBe(1);
    expect([inFlight(stage, 'to-db'), heldBy(stage, 'db')]).toEqual([0, 0]);
    // The connection goes on.
    stage.plane.setLeader('db-0');
    expect((await client.exchange(lines('GET /r HTTP/1.1', 'Host: db'))).status).toBe(200);
  });

  it('goes on at once where its rule needs no leader any more', async () => {
    const { client, reload } = await held();
    await reload({ rules: [{ name: 'any' }] });
    expect((await client.response('POST')).status).toBe(200);
  });

  it('becomes a fan-out with the body that it has', async () => {
    const { stage, client, reload } = await held();
    await reload({
      rules: [
        {
          name: 'all',
          selection: {
            type: 'FanOut',
            over: 'All',
            respond: 'First',
            minSuccess: null,
            merge: null,
            maxResponseBytes: 1024,
            allowUnsafe: true,
          },
        },
      ],
    });
    expect((await client.response('POST')).status).toBe(200);
    expect(stage.pod.requests[0]!.body.toString()).toBe('body');
    expect([inFlight(stage, 'all'), inFlight(stage, 'to-db'), heldBy(stage, 'db')]).toEqual([0, 0, 0]);
  });

  it('waits on where only another rule changed', async () => {
    const { stage, client, reload } = await held();
    await reload({
      rules: [writes('db'), { name: 'other', matches: [matchOf({ path: { type: 'Exact', value: '/x' } })] }],
    });
    expect(heldBy(stage, 'db')).toBe(1);
    stage.plane.setLeader('db-0');
    expect((await client.response('POST')).status).toBe(200);
  });

  it('of a removed listener waits on under the rules that it came under, and its connection closes', async () => {
    const { stage, client, reload } = await held();
    await reload({ listener: null });
    stage.plane.setLeader('db-0');
    const { status, fields } = await client.response('POST');
    expect(status).toBe(200);
    expect(fields).toContainEqual(['Connection', 'close']);
    await client.closed();
  });
});

it('those held for several rules are all under the one that a reload leaves', async () => {
  const stage = await scene({
    leader: NOBODY,
    rules: [writes('db', {}, { name: 'puts', matches: only('PUT') }), writes('db', {}, { name: 'posts' })],
  });
  const clients: RawClient[] = [];
  for (const [n, method] of ['PUT', 'POST', 'PUT', 'POST'].entries()) {
    const client = await stage.client();
    client.send(lines(`${method} /${n} HTTP/1.1`, 'Host: db', 'Content-Length: 0'));
    clients.push(client);
  }
  await untilHeld(stage, 'db', 4);
  await stage.plane.reload({ backend: 'pg', rules: [writes('pg', {}, { name: 'posts' })] });
  expect(heldBy(stage, 'pg')).toBe(4);
  stage.plane.setLeader('db-0');
  for (const client of clients) await client.response('POST');
  expect(stage.plane.metric('headroute_requests_total', 'posts', '200')).toBe(4);
});
