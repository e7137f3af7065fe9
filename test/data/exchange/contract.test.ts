/**
 * What becomes of a request is the exchanges', not a protocol's: the same stories over HTTP/1.1 with sockets, and over a codec in
 * memory that is no HTTP (docs/adr/0015).
 */
import { describe, expect, it } from 'vitest';
import type { RuleConfig, Selection } from '../../../src/model/config.ts';
import { HOLD, leaderSelection } from '../../helpers/data-plane.ts';
import { poll } from '../../helpers/waiting.ts';
import { http1World } from './support/http1-world.ts';
import { memoryWorld } from './support/memory-codec.ts';
import type { World, WorldOptions } from './support/world.ts';

const RETRY = { attempts: 2, codes: [], backoffMs: 0, budget: null };
const toLeader: Partial<RuleConfig> = { selection: leaderSelection(), retry: RETRY };
const fanOut: Selection = {
  type: 'FanOut',
  over: 'All',
  respond: 'Merge',
  minSuccess: null,
  merge: { type: 'ConcatArrays', pointer: '' },
  maxResponseBytes: 1_048_576,
  allowUnsafe: false,
};

describe.each([
  ['HTTP/1.1', http1World],
  ['memory', memoryWorld],
] as [string, (options: WorldOptions) => Promise<World>][])('%s', (_, world) => {
  const one = (rule: Partial<RuleConfig> = { retry: RETRY }): Promise<World> => world({ pods: 1, rule });
  const led = (leader: string | null, more: Partial<WorldOptions> = {}): Promise<World> =>
    world({ pods: 2, rule: toLeader, leader, ...more });

  it('passes a request to a Pod and its answer back', async () => {
    const { pods, ask, metric } = await one();
    const talk = await ask({ method: 'POST', path: '/p', body: 'hello' });
    const asked = await pods[0]!.next();
    await poll(() => asked.isComplete, 'the body');
    expect(asked).toMatchObject({ method: 'POST', path: '/p', received: 'hello' });
    asked.answer(201, 'made');
    expect(await talk.told()).toMatchObject({ status: 201, body: 'made', isWhole: true, failure: null });
    await poll(() => metric('headroute_requests_in_flight') === 0, 'its end to be counted');
    expect(metric('headroute_requests_total', '201')).toBe(1);
  });

  it('passes a body on as it comes', async () => {
    const { pods, ask } = await one();
    const talk = await ask({ method: 'POST', body: null });
    talk.send('first ', false);
    const asked = await pods[0]!.next();
    await poll(() => asked.received.includes('first '), 'the first part');
    expect(asked.isComplete).toBe(false);
    talk.send('last', true);
    await poll(() => asked.isComplete, 'the rest');
    expect(asked.received).toBe('first last');
    asked.answer(200, '');
    expect((await talk.told()).status).toBe(200);
  });

  it('passes interim answers, parts of the final one, and trailers', async () => {
    const { pods, ask } = await one();
    const talk = await ask({ method: 'GET' });
    const asked = await pods[0]!.next();
    asked.interim(103);
    asked.begin(200);
    asked.data('a');
    asked.data('b');
    asked.end({ 'x-sum': '2' });
    expect(await talk.told()).toMatchObject({
      status: 200,
      body: 'ab',
      isWhole: true,
      interims: [103],
      trailers: { 'x-sum': '2' },
    });
  });

  it('asks another Pod where one takes no connection', async () => {
    const { pods, ask, outcomes } = await world({ pods: 2, rule: { retry: RETRY } });
    pods[0]!.goDown();
    // By chance each of them may be sent to the other one first.
    for (let n = 0; n < 20; n++) {
      const talk = await ask({ method: 'POST', body: 'x' });
      (await pods[1]!.next()).answer(200, 'ok');
      expect((await talk.told()).status).toBe(200);
    }
    expect(outcomes().filter((kind) => kind === 'connect_failed').length).toBeGreaterThan(0);
  });

  it('sends nothing twice that could be executed twice', async () => {
    const { pods, ask } = await world({ pods: 2, rule: { retry: RETRY } });
    const talk = await ask({ method: 'POST', body: 'x' });
    const asked = await Promise.race(pods.map((pod) => pod.next()));
    await poll(() => asked.isComplete, 'the body');
    asked.breakOff();
    expect(await talk.told()).toMatchObject({ status: 502, failure: 'upstream_reset', sent: true });
    expect(pods.map(({ requests }) => requests).sort()).toEqual([0, 1]);
  });

  it('sends a safe request again', async () => {
    const { pods, ask } = await world({ pods: 2, rule: { retry: RETRY } });
    const talk = await ask({ method: 'GET' });
    const asked = pods.map((pod) => pod.next());
    const first = await Promise.race(asked);
    first.breakOff();
    (await Promise.all(asked)).find((one) => one !== first)!.answer(200, 'again');
    expect(await talk.told()).toMatchObject({ status: 200, body: 'again' });
  });

  it('lets no answer look whole that broke off', async () => {
    const { pods, ask } = await one();
    const talk = await ask({ method: 'GET' });
    const asked = await pods[0]!.next();
    asked.begin(200);
    asked.data('half');
    await poll(async () => true, 'a turn');
    asked.breakOff();
    expect(await talk.told()).toMatchObject({ isWhole: false });
  });

  it('holds what nobody leads, with what comes of its body', async () => {
    const { pods, ask, setLeader, metric } = await led(null);
    const talk = await ask({ method: 'POST', body: null });
    await poll(() => metric('headroute_held_requests') === 1, 'the hold');
    talk.send('while held', true);
    expect(pods.map(({ requests }) => requests)).toEqual([0, 0]);
    setLeader('db-1');
    const asked = await pods[1]!.next();
    await poll(() => asked.isComplete, 'the body');
    expect(asked.received).toBe('while held');
    asked.answer(200, 'ok');
    expect((await talk.told()).status).toBe(200);
  });

  it('waits for another leader where one says that it does not lead', async () => {
    const { pods, ask, setLeader, metric } = await led('db-0', { learns: true });
    const talk = await ask({ method: 'POST', body: 'x' });
    (await pods[0]!.next()).answer(421, 'not me');
    await poll(() => metric('headroute_held_requests') === 1, 'the hold');
    setLeader('db-1');
    const asked = await pods[1]!.next();
    await poll(() => asked.isComplete, 'the body');
    expect(asked.received).toBe('x');
    asked.answer(200, 'ok');
    expect(await talk.told()).toMatchObject({ status: 200, body: 'ok' });
  });

  it('breaks an upload off whose Pod does not lead any more', async () => {
    const { pods, ask, setLeader } = await led('db-0');
    const talk = await ask({ method: 'POST', body: null });
    talk.send('part', false);
    const asked = await pods[0]!.next();
    setLeader('db-1');
    expect(await talk.told()).toMatchObject({ status: 502, failure: 'upstream_reset', sent: true });
    await poll(() => asked.isGone, 'the Pod to be let go of');
    expect(pods[1]!.requests).toBe(0);
  });

  it('lets go of the Pod when the client leaves', async () => {
    const { pods, ask, metric } = await one();
    const talk = await ask({ method: 'GET' });
    const asked = await pods[0]!.next();
    talk.leave();
    await poll(() => asked.isGone, 'the Pod to be let go of');
    expect(metric('headroute_request_failures_total', 'client_gone')).toBe(1);
    expect(metric('headroute_requests_in_flight')).toBe(0);
  });

  it('waits for no answer longer than it may', async () => {
    const { pods, ask } = await one({ retry: RETRY, timeouts: { requestMs: 0, backendRequestMs: 100 } });
    const talk = await ask({ method: 'GET' });
    const asked = await pods[0]!.next();
    expect(await talk.told()).toMatchObject({ status: 504, failure: 'backend_timeout', sent: true });
    await poll(() => asked.isGone, 'the Pod to be let go of');
  });

  it('holds a Pod back whose client takes nothing', async () => {
    const { pods, ask } = await one();
    const talk = await ask({ method: 'GET', isSlow: true });
    const asked = await pods[0]!.next();
    asked.begin(200);
    const part = 'x'.repeat(1_000_000);
    for (let n = 0; n < 32; n++) asked.data(part);
    asked.end();
    await poll(() => asked.isHeldBack, 'the Pod to be held back');
    talk.take();
    const { isWhole, body } = await talk.told();
    expect(isWhole).toBe(true);
    expect(body.length).toBe(32 * part.length);
  });

  it('asks many Pods and makes one answer of theirs', async () => {
    const { pods, ask } = await world({ pods: 2, rule: { selection: fanOut } });
    const talk = await ask({ method: 'GET' });
    for (const [n, pod] of pods.entries()) (await pod.next()).answer(200, `[${n}]`);
    expect(await talk.told()).toMatchObject({ status: 200, body: '[0,1]', isWhole: true });
  });

  it('begins anew where a reload makes another kind of request of one that waits', async () => {
    const { pods, ask, reload, metric } = await led(null);
    const talk = await ask({ method: 'GET' });
    await poll(() => metric('headroute_held_requests') === 1, 'the hold');
    await reload([{ selection: fanOut }]);
    for (const [n, pod] of pods.entries()) (await pod.next()).answer(200, `[${n}]`);
    expect(await talk.told()).toMatchObject({ status: 200, body: '[0,1]' });
  });

  it('becomes a tunnel', async () => {
    const { pods, ask } = await one();
    const talk = await ask({ method: 'GET', upgrade: 'echo' });
    (await pods[0]!.next()).switchTo('echo');
    expect((await talk.told()).status).toBe(101);
    await talk.says('hello', 'HELLO');
  });

  it('ends a hold', async () => {
    const { ask } = await led(null, {
      rule: { ...toLeader, selection: leaderSelection({ hold: { ...HOLD, timeoutMs: 50 } }) },
    });
    const talk = await ask({ method: 'POST', body: 'x' });
    expect(await talk.told()).toMatchObject({ status: 503, failure: 'hold_timeout', sent: false });
  });
});
