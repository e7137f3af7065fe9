/**
 * TCP keepalive of clients' connections, as the kernel has it: those of one request are spared its system calls, those that last get
 * it. Source: proc_net_tcp(5), `tr`: 02 is a keepalive timer.
 */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { leaderSelection, startDataPlane, type TestPlane } from '../helpers/data-plane.ts';
import { RawClient } from '../helpers/raw-client.ts';
import { poll } from '../helpers/waiting.ts';

let plane: TestPlane;
let client: RawClient;

afterEach(async () => {
  client.socket.destroy();
  await plane.close();
});

/** The timers of the sidecar's ends of connections that are open. */
function timers(): string[] {
  const port = plane.port.toString(16).toUpperCase().padStart(4, '0');
  const rows = readFileSync('/proc/net/tcp', 'latin1').matchAll(
    /^ *\d+: [0-9A-F]{8}:([0-9A-F]{4}) \S+ 01 \S+ ([0-9A-F]{2}):/gm,
  );
  return [...rows].filter(([, local]) => local === port).map(([, , timer]) => timer!);
}

describe.runIf(process.platform === 'linux')('keepalive', () => {
  it('runs on an HTTP connection that lasts', async () => {
    plane = await startDataPlane({ pods: [] });
    client = await RawClient.connect(plane.port);
    await poll(() => timers().join() === '02', 'the timer runs', 10_000);
  });

  it('does not run on one that has just come', async () => {
    plane = await startDataPlane({ pods: [] });
    client = await RawClient.connect(plane.port);
    await poll(() => plane.metric('headroute_connections') === 1, 'it is accepted');
    expect(timers()).toEqual(['00']);
  });

  it('runs on a TCP connection at once', async () => {
    plane = await startDataPlane({
      pods: [],
      leader: { state: 'none' },
      protocol: 'TCP',
      rules: [{ selection: leaderSelection() }],
    });
    client = await RawClient.connect(plane.port);
    await poll(() => plane.metric('headroute_connections') === 1, 'it is accepted');
    expect(timers()).toEqual(['02']);
  });
});
