/** Connections to a leader that is about to be replaced: they get the answers to what they have sent, and send nothing more. */
import { expect, it } from 'vitest';
import type { RuleConfig } from '../../../src/model/config.ts';
import type { PodView } from '../../../src/model/pod.ts';
import type { RawClient } from '../../helpers/raw-client.ts';
import type { RawPod } from '../../helpers/raw-pod.ts';
import { VirtualClock } from '../../helpers/virtual-clock.ts';
import { pause } from '../../helpers/waiting.ts';
import { leaderRule, nothingInFlight, rawPods, type Tcp, tcp } from './harness.ts';

/** `YIELD_MS` of forward/tunnel-registry.ts. */
const YIELD_MS = 80;
/** `ANSWERED_MS` there. */
const ANSWERED_MS = 5;

interface Scene {
  readonly t: Tcp;
  readonly taps: RawPod[];
  readonly views: PodView[];
  readonly client: RawClient;
  readonly clock: VirtualClock;
}

async function open(part: Partial<RuleConfig> = leaderRule()): Promise<Scene> {
  const { taps, views } = await rawPods(2);
  const clock = new VirtualClock();
  const t = await tcp(part, views, views[0], { clock });
  const client = await t.client();
  client.send('x');
  await taps[0]!.until((p) => p.total === 1, 'the byte at the leader');
  return { t, taps, views, client, clock };
}

it('no byte goes to a Pod that yields, and what it says still comes', async () => {
  const { t, taps, views, client, clock } = await open();
  t.yields(views, views[0]!);
  client.send('too late');
  await pause(20);
  clock.advance(YIELD_MS - 1);
  taps[0]!.last.write('answer');
  await client.until(() => client.rest.toString() === 'answer', 'the answer');
  expect(client.ending).toBeNull();
  clock.advance(1);
  await client.closed(1000);
  expect(client.ending).toBe('reset');
  expect(taps[0]!.total).toBe(1);
  await nothingInFlight(t);
});

it('one that has its answer is cut at once, before its client says more', async () => {
  const { t, taps, views, client, clock } = await open();
  taps[0]!.last.write('answer');
  await client.until(() => client.rest.toString() === 'answer', 'the answer');
  clock.advance(ANSWERED_MS);
  t.yields(views, views[0]!);
  await client.closed(1000);
  expect(client.ending).toBe('reset');
  await nothingInFlight(t);
});

it('one whose Pod has just spoken is cut when it says no more', async () => {
  const { t, taps, views, client, clock } = await open();
  t.yields(views, views[0]!);
  taps[0]!.last.write('ans');
  await client.until(() => client.rest.toString() === 'ans', 'the first half');
  clock.advance(ANSWERED_MS - 1);
  taps[0]!.last.write('wer');
  await client.until(() => client.rest.toString() === 'answer', 'the second half');
  clock.advance(1);
  await pause(20);
  expect(client.ending).toBeNull();
  clock.advance(ANSWERED_MS);
  await client.closed(1000);
});

it('it is cut though the Pod never falls silent', async () => {
  const { t, taps, views, client, clock } = await open();
  t.yields(views, views[0]!);
  for (let n = 0; n < YIELD_MS; n++) {
    taps[0]!.last.write('.');
    clock.advance(1);
  }
  await client.closed(1000);
});

it('it is cut at once when another Pod leads', async () => {
  const { t, taps, views, client } = await open();
  t.yields(views, views[0]!);
  client.send('too late');
  await pause(10);
  t.publish(views, views[1]);
  await client.closed(1000);
  expect(taps[0]!.total).toBe(1);
});

it('where the change is given up it goes on, and no byte is missing', async () => {
  const { t, taps, views, client, clock } = await open();
  t.yields(views, views[0]!);
  client.send('y');
  await pause(20);
  t.publish(views, views[0]);
  client.send('z');
  await taps[0]!.until((p) => p.connections.at(-1)?.text === 'xyz', 'the bytes sent meanwhile');
  clock.advance(2 * YIELD_MS);
  client.send('!');
  await taps[0]!.until((p) => p.connections.at(-1)?.text === 'xyz!', 'bytes afterwards');
  client.end();
  await taps[0]!.until((p) => p.last.ended, 'the end');
});

it('a client that ends meanwhile has its end passed on afterwards', async () => {
  const { t, taps, views, client } = await open();
  t.yields(views, views[0]!);
  client.send('last');
  client.end();
  await pause(20);
  expect(taps[0]!.last.ended).toBe(false);
  t.publish(views, views[0]);
  await taps[0]!.until((p) => p.last.ended && p.last.text === 'xlast', 'the last bytes and the end');
});

it('a new connection waits, and goes to the one that leads then', async () => {
  const { t, taps, views } = await open();
  t.yields(views, views[0]!);
  const next = await t.client();
  next.send('y');
  await pause(20);
  expect(taps[0]!.total).toBe(1);
  t.publish(views, views[1]);
  await taps[1]!.until((p) => p.connections.at(-1)?.text === 'y', 'the byte at the new leader');
});

it('onDemotion: Drain leaves it as it is', async () => {
  const { t, taps, views, client, clock } = await open(leaderRule({ onDemotion: 'Drain' }));
  t.yields(views, views[0]!);
  clock.advance(2 * YIELD_MS);
  client.send('z');
  await taps[0]!.until((p) => p.connections.at(-1)?.text === 'xz', 'bytes to the Pod that yields');
});
