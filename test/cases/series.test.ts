import { expect } from 'vitest';
import { poll } from '../helpers/waiting.ts';
import { ask } from './support/client.ts';
import { type Scenario, scenario } from './support/scenario.ts';
import { rule } from './support/sidecar-config.ts';

// M1: no series of a Pod stays when it is gone, those of odd occasions included.

async function namesOf(scene: Scenario, label: string): Promise<string[]> {
  const { body } = await ask(scene.app.admin.port, '/metrics');
  return [
    ...new Set(
      body
        .split('\n')
        .filter((line) => line.includes(label))
        .map((line) => line.split('{')[0]!),
    ),
  ];
}

// linkerd/linkerd2#819, cilium/cilium#23162
scenario(
  'M1 a Pod that poisoned a connection, refused one and was ejected leaves no series behind',
  {
    pods: 2,
    leader: {},
    rules: [rule({ type: 'Balance', algorithm: 'RoundRobin' })],
    backend: { ejection: { consecutiveFailures: 1, baseTime: '50ms', maxPercent: 50 } },
  },
  async (scene) => {
    const { db0 } = scene;
    db0.claim = {};
    await scene.untilLeader('db-0');
    await scene.untilReady('db-0', 'db-1');
    while (db0.requests.length === 0) await scene.ask('/first');
    // Bytes that no request asked for, on connections that idle.
    await poll(
      async () => (await scene.metric('headroute_upstream_connections', 'state="idle"')) > 0,
      'idles',
    );
    for (const socket of db0.sockets) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    await poll(
      async () => (await scene.metric('headroute_upstream_poisoned_total', 'pod="db-0"')) > 0,
      'the poisoned connection is counted',
    );
    await db0.killData();
    await scene.tally(4);
    expect(await namesOf(scene, 'pod="db-0"')).toEqual(
      expect.arrayContaining([
        'headroute_probes_total',
        'headroute_upstream_poisoned_total',
        'headroute_upstream_requests_total',
      ]),
    );
    scene.publish(['db-1']);
    await scene.until(({ pods }) => pods.length === 1, 'db-0 is forgotten');
    expect(await namesOf(scene, 'pod="db-0"')).toEqual([]);
    expect(await namesOf(scene, 'pod="db-1"')).toContain('headroute_probes_total');
  },
);
