/** The connection to one Sentinel, whose time is a virtual one. */
import { expect, it, onTestFinished } from 'vitest';
import { Subscription } from '../../../src/control/leadership/sentinel/subscription.ts';
import { FakeSentinel } from '../../helpers/fake-sentinel.ts';
import { VirtualClock } from '../../helpers/virtual-clock.ts';
import { poll } from '../../helpers/waiting.ts';

async function subscribe() {
  const sentinel = await FakeSentinel.start(null);
  const clock = new VirtualClock();
  const states: (string | null)[] = [];
  const target = { addresses: ['127.0.0.1'], port: sentinel.port, dnsName: 'sentinel-0' };
  const events = { onMessage: () => {}, onState: (problem: string | null) => states.push(problem) };
  const subscription = new Subscription(target, 'm', null, events, { clock, random: () => 0 });
  onTestFinished(() => {
    subscription.close();
    return sentinel.stop();
  });
  await poll(() => states.length === 1, 'it is listened to');
  return { sentinel, clock, states, subscription };
}

it('one that answers is asked every second, and stays', async () => {
  const { sentinel, clock, states } = await subscribe();
  for (let n = 1; n <= 10; n++) {
    clock.advance(1000);
    await poll(() => sentinel.heard.filter((command) => command === 'PING').length === n, `PING ${n}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(states).toEqual([null]);
  expect(sentinel.subscribers).toBe(1);
});

it('one that hangs is given up after 3 s, and tried again', async () => {
  const { sentinel, clock, states } = await subscribe();
  sentinel.hangs = true;
  clock.advance(3000);
  expect(states).toEqual([null]);
  clock.advance(1000);
  expect(states).toEqual([null, 'no answer']);
  sentinel.hangs = false;
  clock.advance(100);
  await poll(() => states.length === 3, 'it is listened to again');
  await poll(() => sentinel.subscribers === 1, 'by one connection');
});

it('one that is away is tried ever less often, up to every 2 s', async () => {
  const { sentinel, clock, states } = await subscribe();
  await sentinel.stop();
  await poll(() => states.length === 2, 'the loss is noticed');
  const gapsMs: number[] = [];
  for (let n = 3; n <= 9; n++) {
    const sinceMs = clock.nowMs();
    while (clock.pending > 0) clock.advance(50);
    gapsMs.push(clock.nowMs() - sinceMs);
    await poll(() => states.length === n, 'another try');
  }
  expect(gapsMs).toEqual([100, 200, 400, 800, 1600, 2000, 2000]);
});

it('a closed one does nothing more', async () => {
  const { sentinel, clock, subscription } = await subscribe();
  subscription.close();
  await poll(() => sentinel.subscribers === 0, 'the end');
  expect(clock.pending).toBe(0);
});
