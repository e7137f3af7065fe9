import { expect } from 'vitest';
import { RawClient } from '../helpers/raw-client.ts';
import { poll } from '../helpers/waiting.ts';
import { type Scenario, scenario } from './support/scenario.ts';
import { type Json, rule } from './support/sidecar-config.ts';

// patroni/patroni#421: the node of the leader loses its network. No FIN and no RST comes; bytes under way are never acknowledged.

const HEALTH = { period: '100ms', timeout: '300ms', failureThreshold: 3 };

/** A Pod that takes a connection and reads nothing of it. */
const deaf = (socket: { pause(): unknown }): void => void socket.pause();

/** A connection with more bytes under way than Pod and kernels take: some wait in the sidecar. */
async function stuffed(scene: Scenario): Promise<RawClient> {
  const client = await RawClient.connect(scene.port);
  client.socket.on('error', () => {});
  const piece = Buffer.alloc(1 << 20);
  while (client.socket.write(piece) || client.socket.writableLength < 16 << 20);
  await poll(() => scene.db0.sockets.size === 1, 'the Pod has the connection');
  return client;
}

/** From now on db-0's role port takes questions and answers none. @returns how many of a kind it took since */
function silence(scene: Scenario): (path: string) => number {
  const asked: string[] = [];
  scene.db0.onProbe = (path) => asked.push(path) > 0;
  return (kind) => asked.filter((path) => path === kind).length;
}

const health = ({ role }: { role: number }): Json => ({
  health: { httpGet: { path: '/healthz', port: role }, ...HEALTH },
  connection: { onUnready: 'Close' },
});

scenario(
  'B45 onUnready Close: a connection with unread bytes is cut with the third silent probe of its Pod',
  { pods: 1, leader: null, tcp: deaf, rules: [rule({ type: 'Balance' })], backend: health },
  async (scene) => {
    await scene.untilReady('db-0');
    const client = await stuffed(scene);
    const asked = silence(scene);
    expect(await client.closed(8000)).toBe('reset');
    // One more may have begun by then.
    expect([3, 4]).toContain(asked('/healthz'));
    expect(await scene.metric('headroute_upstream_connections')).toBe(0);
  },
);

scenario(
  'B45 a Leader rule: the connection is cut when the claim lapses, within two silent probes',
  {
    pods: 2,
    tcp: deaf,
    rules: [rule({ type: 'Leader' })],
    leader: { probe: { period: '100ms', timeout: '300ms' } },
  },
  async (scene) => {
    scene.db0.claim = {};
    await scene.untilLeader('db-0');
    const client = await stuffed(scene);
    const asked = silence(scene);
    expect(await client.closed(8000)).toBe('reset');
    // The loss brings another at once.
    expect(asked('/leader')).toBeLessThanOrEqual(3);
  },
);
