/** A TCP connection that is open: bytes, ends and resets pass both ways. */
import { describe, expect, it } from 'vitest';
import { loopNowMs, pause, poll } from '../../helpers/waiting.ts';
import { balance, leaderRule, nothingInFlight, rawPods, tcp } from './harness.ts';

describe('tunnels', () => {
  it('U08 the server speaks first: its banner comes without a byte of the client', async () => {
    const { views } = await rawPods(1, { onConnect: (c) => c.write('220 hello\r\n') });
    const client = await (await tcp(balance, views)).client();
    await client.until((rest) => rest.toString() === '220 hello\r\n', 'the banner');
  });

  it('passes a FIN on as a FIN and keeps the other way open, both ways round', async () => {
    const { taps, views } = await rawPods(1);
    const t = await tcp(balance, views);
    const client = await t.client();
    client.send('question');
    client.end();
    await taps[0]!.until(
      (p) => p.connections[0]?.ended && p.connections.at(-1)?.text === 'question',
      'the FIN at the Pod',
    );
    taps[0]!.last.write('late ');
    await client.until((rest) => rest.toString() === 'late ', 'the first part of the answer');
    taps[0]!.last.end('answer');
    expect(await client.closed()).toBe('fin');
    expect(client.rest.toString()).toBe('late answer');
    await nothingInFlight(t);

    const other = await t.client();
    await taps[0]!.until((p) => p.connections.length === 2, 'the second connection');
    taps[0]!.last.end('bye');
    expect(await other.closed()).toBe('fin');
    other.send('still here');
    await taps[0]!.until(
      (p) => p.connections.at(-1)?.text === 'still here',
      'bytes after the FIN of the Pod',
    );
    other.end();
    await nothingInFlight(t);
  });

  it('carries 4 MiB both ways unharmed', async () => {
    const { views } = await rawPods(1, { onConnect: (c) => c.socket.pipe(c.socket) });
    const client = await (await tcp(balance, views)).client();
    const data = Buffer.alloc(4 << 20, 'abcdefghijklmnopqrstuvwxyz0123456789');
    client.send(data);
    await client.until((rest) => rest.length === data.length, 'all of it', 10_000);
    expect(client.rest.equals(data)).toBe(true);
  });

  it('a reader that stops holds the writer back, both ways round', async () => {
    const { taps, views } = await rawPods(1);
    const t = await tcp(balance, views);
    const client = await t.client();
    client.send('x');
    await taps[0]!.until((p) => p.total === 1, 'the connection');
    const pod = taps[0]!.last.socket;
    const data = Buffer.alloc(32 << 20, 1);
    pod.pause();
    client.send(data);
    client.socket.pause();
    pod.write(data);
    await pause(150);
    expect(client.socket.writableLength).toBeGreaterThan(0);
    expect(pod.writableLength).toBeGreaterThan(0);
    pod.resume();
    await taps[0]!.until((p) => p.total === data.length + 1, 'all of it', 10_000);
  });

  it('passes a reset on as a reset, both ways round', async () => {
    const { taps, views } = await rawPods(1);
    const t = await tcp(balance, views);
    const client = await t.client();
    client.send('x');
    await taps[0]!.until((p) => p.total > 0, 'a byte');
    taps[0]!.last.reset();
    expect(await client.closed()).toBe('reset');
    const other = await t.client();
    other.send('y');
    await taps[0]!.until((p) => p.total > 1, 'a byte');
    other.reset();
    await taps[0]!.until((p) => p.last.closed, 'the Pod to see the end');
    expect(taps[0]!.last.ended).toBe(false);
    await nothingInFlight(t);
  });

  it('U1 a Pod that dies under an idle connection closes it within 100 ms (zalando/skipper#1669)', async () => {
    const { taps, views } = await rawPods(1);
    const t = await tcp(leaderRule(), views, views[0]);
    const client = await t.client();
    await taps[0]!.until((p) => p.connections.length === 1, 'the connection');
    await poll(() => t.tunnels.size === 1, 'the tunnel');
    taps[0]!.close();
    const before = loopNowMs();
    await client.closed(1000);
    expect(loopNowMs() - before).toBeLessThan(100);
    client.end();
    await poll(() => t.outcomes.some((o) => o.kind === 'leader_closed'), 'the report');
  });

  it('a client that ends first is no evidence against the leader', async () => {
    const { taps, views } = await rawPods(1);
    const t = await tcp(leaderRule(), views, views[0]);
    const client = await t.client();
    client.send('quit');
    client.end();
    await taps[0]!.until((p) => p.connections[0]?.ended, 'the FIN');
    taps[0]!.last.end();
    await client.closed();
    await nothingInFlight(t);
    expect(t.outcomes).toEqual([]);
  });
});
