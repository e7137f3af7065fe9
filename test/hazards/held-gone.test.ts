/**
 * A client that leaves while its write is held is never sent for, however large the write is: its FIN waits in its own kernel behind
 * bytes that nobody reads here.
 *
 * Source: SPEC 3 Holding ("A client whose connection ends while nothing was sent upstream is dropped from the queue and never sent").
 * Measured before: 131 of 131 writes of 1 MiB were executed 3 s after their clients had closed.
 */
import { describe, expect, it } from 'vitest';
import { leaderSelection } from '../helpers/data-plane.ts';
import { lines, scene } from '../helpers/scene.ts';
import { pause, poll } from '../helpers/waiting.ts';

const rules = [{ selection: leaderSelection() }];
/** More than is read here, and no more than the client's kernel takes at once. */
const BYTES = 1_500_000;
const HEAD = lines('POST /w HTTP/1.1', 'Host: a', `Content-Length: ${BYTES}`);

/** What clients and Pods need is read in this network namespace's own table. */
describe.runIf(process.platform === 'linux')('a large write whose client leaves while it is held', () => {
  it.each(['end', 'destroy'] as const)('%s: leaves the queue', async (how) => {
    const s = await scene({ leader: { state: 'none' }, rules });
    const client = await s.client();
    client.send(HEAD + 'x'.repeat(BYTES));
    await poll(() => s.plane.metric('headroute_held_requests') === 1, 'the hold');
    await poll(() => client.socket.writableLength === 0, 'the kernel to have all');
    client.socket[how]();
    await poll(() => s.plane.metric('headroute_held_requests') === 0, 'it to leave');
    expect(s.plane.metric('headroute_request_failures_total', 'client_gone')).toBe(1);
    s.plane.setLeader('db-0');
    expect(s.pod.total).toBe(0);
  });

  it('just before a leader is there: no byte of it is sent', async () => {
    const s = await scene({ leader: { state: 'none' }, rules });
    const [leaving, staying] = [await s.client(), await s.client()];
    for (const [n, client] of [leaving, staying].entries()) {
      client.send(HEAD + 'x'.repeat(BYTES));
      await poll(() => s.plane.metric('headroute_held_requests') === n + 1, 'the hold');
      await poll(() => client.socket.writableLength === 0, 'the kernel to have all');
    }
    leaving.socket.end();
    // For its FIN to be the kernel's.
    await pause(5);
    s.plane.setLeader('db-0');
    expect((await staying.response('POST', 20_000)).status).toBe(200);
    expect(s.pod.requests).toHaveLength(1);
    expect(s.pod.connections.filter(({ text }) => text !== '')).toHaveLength(1);
    expect(s.plane.metric('headroute_request_failures_total', 'client_gone')).toBe(1);
  });
});
