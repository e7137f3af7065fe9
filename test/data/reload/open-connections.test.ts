/**
 * Open connections belong to Pods, not to the name of a backend or listener (SPEC 2, Reload; field-cases.md B1, B3 and C5): a reload
 * that only renames cuts nothing, forgets no pooled connection and no demotion.
 */
import { describe, expect, it } from 'vitest';
import { leaderSelection } from '../../helpers/data-plane.ts';
import type { RawClient } from '../../helpers/raw-client.ts';
import type { PodConnection } from '../../helpers/raw-pod.ts';
import { expectProblem, lines, type Scene, scene } from '../../helpers/scene.ts';
import { pause, poll } from '../../helpers/waiting.ts';

const GET = lines('GET / HTTP/1.1', 'Host: db');
const UPGRADE = lines('GET /ws HTTP/1.1', 'Host: db', 'Connection: Upgrade', 'Upgrade: echo');

const toLeader = (backend: string) => [
  { name: 'writes', backendRefs: [{ name: backend, weight: 1 }], selection: leaderSelection() },
];
const toAny = (backend: string) => [{ name: 'reads', backendRefs: [{ name: backend, weight: 1 }] }];

/** Pods that switch protocols and echo. */
const echo = {
  onRequest(connection: PodConnection) {
    connection.raw = true;
    connection.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    connection.socket.on('data', (data: Buffer) => connection.write(data));
  },
};

async function upgraded(stage: Scene): Promise<RawClient> {
  const client = await stage.client();
  expect((await client.exchange(UPGRADE)).status).toBe(101);
  await client.echoes('first');
  return client;
}

const upstream = ({ plane }: Scene, ...labels: string[]): number =>
  plane.metric('headroute_upstream_connections', ...labels);

describe('an upgrade whose backend got another name', () => {
  it('stays, and shows the new name', async () => {
    const stage = await scene({ scripts: [echo, echo], leader: 'db-0', rules: toLeader('db') });
    const client = await upgraded(stage);
    await stage.plane.reload({ backend: 'pg', rules: toLeader('pg'), shutdownTimeoutMs: 50 });
    await pause(100);
    await client.echoes('second');
    expect(stage.plane.plane.report().tunnels).toEqual([
      { listener: 'db', backend: 'pg', rule: 'writes', open: 1, draining: 0 },
    ]);
  });

  it('is cut when its Pod is demoted under the new name', async () => {
    const stage = await scene({ scripts: [echo, echo], leader: 'db-0', rules: toLeader('db') });
    const client = await upgraded(stage);
    await stage.plane.reload({ backend: 'pg', rules: toLeader('pg') });
    stage.plane.setLeader('db-1');
    expect(await client.closed()).toBe('reset');
  });

  it('is cut with onUnready: Close when its Pod turns unready under the new name', async () => {
    const stage = await scene({ scripts: [echo], rules: toAny('db'), connection: { onUnready: 'Close' } });
    const client = await upgraded(stage);
    await stage.plane.reload({ backend: 'pg', rules: toAny('pg') });
    stage.plane.setState('db-0', 'unready');
    expect(await client.closed()).toBe('reset');
  });

  it('C5: is drained and cut at shutdown.timeout when its Pods are gone from every backend', async () => {
    const stage = await scene({ scripts: [echo], rules: toAny('db'), connection: { onUnready: 'Close' } });
    const client = await upgraded(stage);
    stage.plane.setPods([]);
    await stage.plane.reload({ backend: 'pg', rules: toAny('pg'), shutdownTimeoutMs: 60 });
    await client.echoes('still here');
    expect(stage.plane.plane.report().tunnels).toMatchObject([{ backend: 'db', draining: 1 }]);
    await client.closed();
    // Nobody's series stay when it has ended.
    await poll(
      () => upstream(stage, 'db') === 0 && seriesOf(stage, 'backend', 'db').length === 0,
      'no series of db',
    );
  });
});

/** Families with a series of this rule or backend. */
function seriesOf({ plane }: Scene, label: 'rule' | 'backend', value: string): string[] {
  return plane.metrics
    .all()
    .filter((family) => {
      const at = family.labelNames.indexOf(label);
      return [...family.cells()].some(({ labels }) => labels[at] === value);
    })
    .map(({ name }) => name);
}

describe('where a backend got another name', () => {
  it('its kept connections serve the next request, and count there', async () => {
    const stage = await scene({ rules: toAny('db') });
    const client = await stage.client();
    await client.exchange(GET);
    await poll(() => upstream(stage, 'db', 'idle') === 1, 'an idle connection');
    await stage.plane.reload({ backend: 'pg', rules: toAny('pg') });
    expect([upstream(stage, 'pg', 'idle'), upstream(stage, 'db', 'idle')]).toEqual([1, 0]);
    expect((await client.exchange(GET)).status).toBe(200);
    expect(stage.pod.connections).toHaveLength(1);
    expect(stage.plane.metric('headroute_upstream_requests_total', 'pg', 'ok')).toBe(1);
    await poll(() => seriesOf(stage, 'backend', 'db').length === 0, 'no series of the old name');
    expect(upstream(stage, 'pg')).toBe(1);
  });

  it('a request in flight is answered, counts for the rule that it came under, and the series goes then', async () => {
    let answer = (): void => {};
    const slow = {
      onRequest: (connection: PodConnection) => {
        answer = () => connection.answer('late');
      },
    };
    const stage = await scene({ scripts: [slow], rules: toAny('db') });
    const client = await stage.client();
    client.send(GET);
    await stage.pod.request();
    await stage.plane.reload({
      backend: 'pg',
      rules: [{ name: 'other', backendRefs: [{ name: 'pg', weight: 1 }] }],
    });
    await pause(600);
    expect(stage.plane.metric('headroute_requests_in_flight', 'reads')).toBe(1);
    expect(upstream(stage, 'pg', 'active')).toBe(1);
    answer();
    expect((await client.response()).status).toBe(200);
    expect(stage.plane.metric('headroute_requests_total', 'reads', 'db', '200')).toBe(1);
    await poll(() => seriesOf(stage, 'rule', 'reads').length === 0, 'no series of the old rule');
  });

  it('an upload to a leader that is demoted afterwards is broken off', async () => {
    const stage = await scene({ scripts: [{}, {}], leader: 'db-0', rules: toLeader('db') });
    const client = await stage.client();
    client.send(`${lines('POST /w HTTP/1.1', 'Host: db', 'Content-Length: 10')}half`);
    await stage.pod.until((pod) => pod.total > 10, 'the first half');
    await stage.plane.reload({ backend: 'pg', rules: toLeader('pg') });
    stage.plane.setLeader('db-1');
    expectProblem(await client.response('POST'), 'upstream_reset', true);
  });

  it('a request that its Pod drops is sent to another under the new name', async () => {
    let drop = (): void => {};
    const dropping = {
      onRequest: (connection: PodConnection) => {
        drop = () => connection.reset();
      },
    };
    const stage = await scene({ scripts: [dropping, {}], rules: toAny('db') });
    const client = await stage.client();
    client.send(GET);
    await stage.pods[0]!.request();
    await stage.plane.reload({ backend: 'pg', rules: toAny('pg') });
    drop();
    expect((await client.response()).status).toBe(200);
    expect(stage.pods[1]!.requests).toHaveLength(1);
  });

  it('one that waits to be sent again finds its Pods under the new name', async () => {
    const dropping = {
      onRequest: (connection: PodConnection) => connection.reset(),
    };
    const retry = { attempts: 2, codes: [], backoffMs: 200, budget: null };
    const stage = await scene({ scripts: [dropping, {}], rules: toAny('db').map((r) => ({ ...r, retry })) });
    const client = await stage.client();
    client.send(GET);
    await poll(() => stage.plane.metric('headroute_retries_total', 'reads') === 1, 'it waits');
    await stage.plane.reload({ backend: 'pg', rules: toAny('pg') });
    expect((await client.response()).status).toBe(200);
    expect(stage.plane.metric('headroute_requests_total', 'reads', 'pg', '200')).toBe(1);
  });
});

describe('TCP', () => {
  const speaking = {
    onConnect: (connection: PodConnection) => {
      connection.raw = true;
      connection.socket.on('data', (data: Buffer) => connection.write(data));
    },
  };

  it('a connection whose backend got another name stays until its Pod is demoted', async () => {
    const stage = await scene({
      protocol: 'TCP',
      scripts: [speaking, speaking],
      leader: 'db-0',
      rules: toLeader('db'),
    });
    const client = await stage.client();
    await client.echoes('first');
    await stage.plane.reload({ backend: 'pg', rules: toLeader('pg'), shutdownTimeoutMs: 50 });
    await pause(100);
    await client.echoes('second');
    expect([upstream(stage, 'pg', 'active'), upstream(stage, 'db', 'active')]).toEqual([1, 0]);
    stage.plane.setLeader('db-1');
    expect(await client.closed()).toBe('reset');
    expect(upstream(stage, 'pg', 'active')).toBe(0);
  });

  it('one that is held goes to the leader that comes under the new name', async () => {
    const stage = await scene({
      protocol: 'TCP',
      scripts: [speaking],
      leader: { state: 'none' },
      rules: toLeader('db'),
    });
    const client = await stage.client();
    await poll(() => stage.plane.metric('headroute_held_requests', 'db') === 1, 'held');
    await stage.plane.reload({ backend: 'pg', rules: toLeader('pg') });
    expect(stage.plane.metric('headroute_held_requests', 'pg')).toBe(1);
    stage.plane.setLeader('db-0');
    await client.echoes('through');
    expect(stage.plane.metric('headroute_held_requests', 'pg')).toBe(0);
  });
});
