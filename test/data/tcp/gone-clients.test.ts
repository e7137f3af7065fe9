/**
 * Clients that are gone for good while nobody reads from them: the Pod takes no more, or they have ended their side. Their tunnels
 * end, so that a Pod that hangs does not use up `limits.connections` with those who gave it up.
 *
 * Sources: RFC 9293 section 3.10.7; issue 11 items 6 and 8 (half-close, a vanished peer). Siblings of U08, R14.
 */
import { describe, expect, it } from 'vitest';
import { UnreadPeers } from '../../../src/data/forward/unread-peers.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { pause, poll } from '../../helpers/waiting.ts';
import { balance, nothingInFlight, rawPods, tcp } from './harness.ts';

const onLinux = process.platform === 'linux';
const soon = (): UnreadPeers => new UnreadPeers(systemClock, 10, 20);

async function open(deaf: boolean) {
  const { taps, views } = await rawPods(1, { onConnect: (c) => void (deaf && c.socket.pause()) });
  const t = await tcp(balance, views, 'unconfigured', { unread: soon() });
  const client = await t.client();
  client.send('hello');
  await poll(() => t.tunnels.size === 1 && taps[0]!.connections.length === 1, 'the tunnel');
  return { t, tap: taps[0]!, client };
}

describe.runIf(onLinux)('a client that is gone', () => {
  it('after its FIN, from a silent Pod: the Pod sees it leave, not break off', async () => {
    const { t, tap, client } = await open(false);
    client.end();
    await tap.until((p) => p.last.ended, 'the FIN at the Pod');
    client.reset();
    await nothingInFlight(t);
    expect(tap.last.text).toBe('hello');
    // Its answer finds nobody.
    await poll(() => {
      tap.last.write('late');
      return tap.last.closed;
    }, 'the connection to be gone');
  });

  it('while a deaf Pod holds its bytes back: they are broken off', async () => {
    const { t, tap, client } = await open(true);
    client.send(Buffer.alloc(32 << 20));
    await pause(100);
    client.reset();
    await nothingInFlight(t);
    tap.last.socket.resume();
    await tap.until((p) => p.last.over, 'the end at the Pod');
    expect(tap.total).toBeLessThan(32 << 20);
  });

  it('after a FIN that a deaf Pod keeps from being read: all of its bytes arrive', async () => {
    const { t, tap, client } = await open(true);
    const data = Buffer.alloc(16 << 20, 7);
    client.send(data);
    client.end();
    await pause(100);
    expect(t.tunnels.size).toBe(1);
    tap.last.socket.resume();
    await tap.until((p) => p.last.ended, 'the FIN at the Pod', 10_000);
    expect(tap.total).toBe(5 + data.length);
    tap.last.end();
    await nothingInFlight(t);
  });

  it.each(['silent', 'deaf'] as const)('one that is still there waits for a %s Pod', async (how) => {
    const { t, tap, client } = await open(how === 'deaf');
    if (how === 'deaf') client.send(Buffer.alloc(32 << 20));
    else client.end();
    await pause(150);
    expect(t.tunnels.size).toBe(1);
    tap.last.write('at last');
    await client.until((rest) => rest.toString() === 'at last', 'the answer');
  });
});
