/**
 * A claim has an age: it is compared with the clock at every byte that goes to a leader, for a sidecar that stood still reads what
 * clients have sent before it hears anything else. And who waits for the answer of a leader that has fallen silent, while another
 * leads, waits no longer.
 *
 * Sources: SPEC 3 Leadership ("A claim has an age"), SPEC 6 promise 4. Siblings of L4, L5 and L10 of field-cases.md.
 */
import { describe, expect, it } from 'vitest';
import { leaderSelection } from '../helpers/data-plane.ts';
import type { PodScript } from '../helpers/raw-pod.ts';
import { expectProblem, lines, type Scene, scene } from '../helpers/scene.ts';
import { pause, poll } from '../helpers/waiting.ts';

const rules = [{ selection: leaderSelection() }];
const silent: PodScript = { onRequest: () => {} };
const POST = `${lines('POST /w HTTP/1.1', 'Host: a', 'Content-Length: 5')}hello`;

/** The claim of the Pod with this name is over from now on, though no snapshot says so. */
function outdate({ plane }: Scene, name: string): void {
  const pod = plane.cell
    .current()
    .backends.get('db')!
    .pods.find((one) => one.name === name)!;
  plane.cell.leases = { isOver: (_, podId) => podId === pod.id };
}

describe('promise 4: a claim that is too old by the clock', () => {
  it('gets no write: it waits until the leader was heard again', async () => {
    const s = await scene({ scripts: [{}, {}], leader: 'db-0', rules });
    outdate(s, 'db-0');
    const client = await s.client();
    client.send(POST);
    await poll(() => s.plane.metric('headroute_held_requests') === 1, 'the hold');
    expect(s.pod.total).toBe(0);
    s.plane.cell.leases = { isOver: () => false };
    s.plane.bump();
    expect((await client.response('POST')).status).toBe(200);
  });

  it('gets no write whose connection was opened meanwhile', async () => {
    const s = await scene({ scripts: [{}], leader: 'db-0', rules });
    const client = await s.client();
    let asked = 0;
    // Good when it is picked, too old when the connection is there.
    s.plane.cell.leases = { isOver: () => ++asked > 1 };
    client.send(POST);
    await poll(() => s.plane.metric('headroute_held_requests') === 1, 'the hold');
    expect(s.pod.total).toBe(0);
  });

  it('gets no more of an upload, which is cut', async () => {
    const s = await scene({ scripts: [silent], leader: 'db-0', rules });
    const client = await s.client();
    client.send(`${lines('POST /w HTTP/1.1', 'Host: a', 'Content-Length: 10')}first`);
    await poll(() => s.pod.total > 0 && s.pod.last.text.endsWith('first'), 'the first part');
    const { total } = s.pod;
    outdate(s, 'db-0');
    client.send('later');
    expectProblem(await client.response('POST'), 'upstream_reset', true);
    expect(s.pod.total).toBe(total);
    await s.pod.connectionOver();
  });

  it('gets no more over an upgraded connection, which is cut', async () => {
    const upgrades: PodScript = {
      onRequest: (c) => {
        c.raw = true;
        c.write(lines('HTTP/1.1 101 Switching', 'Connection: Upgrade', 'Upgrade: chat'));
      },
    };
    const s = await scene({ scripts: [upgrades], leader: 'db-0', rules });
    const client = await s.client();
    client.send(lines('GET /chat HTTP/1.1', 'Host: a', 'Connection: Upgrade', 'Upgrade: chat'));
    await client.until((rest) => rest.includes('101'), 'the 101');
    client.send('in time');
    await s.pod.until((pod) => pod.last.text.endsWith('in time'), 'what came in time');
    outdate(s, 'db-0');
    client.send('late');
    await s.pod.connectionOver();
    expect(s.pod.last.text.endsWith('in time')).toBe(true);
    expect(await client.closed()).toBe('reset');
  });

  it('gets what it may where onDemotion is Drain', async () => {
    const s = await scene({
      scripts: [silent],
      leader: 'db-0',
      rules: [{ selection: leaderSelection({ onDemotion: 'Drain' }) }],
    });
    const client = await s.client();
    client.send(`${lines('POST /w HTTP/1.1', 'Host: a', 'Content-Length: 10')}first`);
    await poll(() => s.pod.total > 0 && s.pod.last.text.endsWith('first'), 'the first part');
    outdate(s, 'db-0');
    client.send('later');
    await s.pod.request(1);
  });
});

describe('a request that waits for its answer, while another Pod leads', () => {
  async function waiting(onDemotion: 'Close' | 'Drain' = 'Close') {
    let answer = (): void => {};
    const onRequest: PodScript['onRequest'] = (c, r) => {
      answer = () => c.answer('done', r);
    };
    const s = await scene({
      scripts: [{ onRequest }, {}],
      leader: 'db-0',
      rules: [{ selection: leaderSelection({ onDemotion }) }],
    });
    const client = await s.client();
    client.send(POST);
    await s.pod.request(1);
    return { s, client, answer: () => answer() };
  }

  it('ends at once where its Pod has fallen silent', async () => {
    const { s, client } = await waiting();
    s.plane.setLeader({ state: 'none' }, 'db-0');
    await pause(50);
    expect(client.rest.length).toBe(0);
    s.plane.setLeader('db-1', 'db-0');
    const answer = await client.response('POST');
    expectProblem(answer, 'upstream_reset', true);
    expect(JSON.parse(answer.body.toString()).detail).toBe('db-0: it is silent, and db-1 leads now');
    await s.pod.connectionOver();
    expect(s.pods[1]!.total).toBe(0);
  });

  it('goes on where its Pod only says that it does not lead, or with onDemotion: Drain', async () => {
    for (const [onDemotion, fallen] of [
      ['Close', undefined],
      ['Drain', 'db-0'],
    ] as const) {
      const { s, client, answer } = await waiting(onDemotion);
      s.plane.setLeader('db-1', fallen);
      await pause(50);
      answer();
      expect((await client.response('POST')).body.toString()).toBe('done');
    }
  });

  it('is no tunnel in /state, and none is left of it', async () => {
    const { s, client, answer } = await waiting();
    expect(s.plane.plane.report().tunnels).toEqual([]);
    answer();
    expect((await client.response('POST')).status).toBe(200);
    s.plane.setLeader('db-1', 'db-0');
    expect((await client.exchange(POST)).status).toBe(200);
  });
});
