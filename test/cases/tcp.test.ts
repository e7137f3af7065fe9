import type { Socket } from 'node:net';
import { expect } from 'vitest';
import { RawClient } from '../helpers/raw-client.ts';
import { pause } from '../helpers/waiting.ts';
import type { CasePod } from './support/case-pod.ts';
import { type Scenario, scenario, timed } from './support/scenario.ts';
import { PERIOD_MS, rule, TIMEOUT_MS } from './support/sidecar-config.ts';

// Connections that live long: TCP rules and upgrades (SPEC 2 onDemotion and onUnready, SPEC 6 promise 4).

const BOUND_MS = PERIOD_MS * 2 + TIMEOUT_MS + 100;

/** Says its name, then echoes. */
function echo(socket: Socket, pod: CasePod): void {
  socket.write(`${pod.name}\n`);
  socket.on('data', (data) => socket.write(data));
}

async function open(scene: Scenario): Promise<RawClient> {
  const client = await RawClient.connect(scene.port);
  client.socket.on('error', () => {});
  return client;
}

function received(client: RawClient): string {
  return client.rest.toString('latin1');
}

function untilReceived(client: RawClient, text: string): Promise<true> {
  return client.until(() => received(client).includes(text), text, 4000);
}

/** db-0 turns unready under the client's echoing connection, which `Close` cuts within D and `Keep` leaves alone. */
async function turnsUnready(scene: Scenario, client: RawClient, onUnready: 'Close' | 'Keep'): Promise<void> {
  scene.db0.healthy = false;
  if (onUnready === 'Close') await client.closed(BOUND_MS);
  else {
    await scene.untilPod('db-0', ({ state }) => state === 'unready', 'unready');
    await pause(100);
    client.send('kept');
    await untilReceived(client, 'kept');
  }
  client.socket.destroy();
}

const LEADER = rule({ type: 'Leader', hold: { timeout: '3s' } });

// zalando/postgres-operator#2035
timed(
  'L10 a client of the ex-leader is cut within D; its next connection goes to the new one',
  { pods: 2, tcp: echo, rules: [LEADER] },
  async (scene) => {
    const { db0, db1 } = scene;
    db0.claim = {};
    await scene.untilLeader('db-0');
    const client = await open(scene);
    client.send('one');
    await untilReceived(client, 'db-0\none');
    const chatter = setInterval(() => client.send('x'), 10);
    try {
      db0.claim = false;
      db1.claim = {};
      await client.closed(BOUND_MS);
      const before = db0.byteCount;
      const next = await open(scene);
      next.send('two');
      await untilReceived(next, 'db-1\ntwo');
      expect(db0.byteCount).toBe(before);
      next.socket.destroy();
    } finally {
      clearInterval(chatter);
      client.socket.destroy();
    }
  },
);

timed(
  'L10 it is cut as well while nobody leads, and while two claim',
  { pods: 2, tcp: echo, rules: [LEADER] },
  async (scene) => {
    const { db0, db1 } = scene;
    for (const change of [() => (db0.claim = false), () => (db1.claim = {})]) {
      db0.claim = {};
      db1.claim = false;
      await scene.untilLeader('db-0');
      const client = await open(scene);
      await untilReceived(client, 'db-0');
      change();
      await client.closed(BOUND_MS);
      client.socket.destroy();
    }
  },
);

scenario(
  'onDemotion Drain leaves the old connection open',
  { pods: 2, tcp: echo, rules: [rule({ type: 'Leader', onDemotion: 'Drain' })] },
  async (scene) => {
    scene.db0.claim = {};
    await scene.untilLeader('db-0');
    const client = await open(scene);
    await untilReceived(client, 'db-0');
    scene.db0.claim = false;
    scene.db1.claim = {};
    await scene.untilLeader('db-1');
    await pause(150);
    client.send('still here');
    await untilReceived(client, 'still here');
    const next = await open(scene);
    await untilReceived(next, 'db-1');
    for (const { socket } of [client, next]) socket.destroy();
  },
);

scenario(
  'A TCP connection waits for a leader; one whose hold ends, or that left, reaches no Pod',
  { pods: 1, tcp: echo, rules: [rule({ type: 'Leader', hold: { timeout: '400ms' } })] },
  async (scene) => {
    await scene.untilReady('db-0');
    const late = await open(scene);
    late.send('late');
    const dialledMs = performance.now();
    await late.closed(1500);
    expect(performance.now() - dialledMs).toBeGreaterThan(300);
    const left = await open(scene);
    left.send('left');
    await scene.heldCount(1);
    left.socket.destroy();
    await scene.heldCount(0);
    const client = await open(scene);
    client.send('held');
    await scene.heldCount(1);
    expect(scene.db0.byteCount).toBe(0);
    scene.db0.claim = {};
    await untilReceived(client, 'db-0\nheld');
    expect(scene.db0.byteCount).toBe('held'.length);
    client.socket.destroy();
  },
);

scenario(
  'A TCP rule by ordinal, fixed or the own Pod',
  {
    tcp: echo,
    leader: null,
    config: { self: { podName: 'db-2' } },
    rules: [rule({ type: 'Ordinal', key: { self: true }, mapping: { type: 'Exact' } })],
  },
  async (scene) => {
    await scene.untilReady('db-0', 'db-1', 'db-2');
    for (let n = 0; n < 3; n++) {
      const client = await open(scene);
      await untilReceived(client, 'db-2');
      client.socket.destroy();
    }
    scene.db2.healthy = false;
    await scene.untilPod('db-2', ({ state }) => state === 'unready', 'unready');
    const refused = await open(scene);
    await refused.closed(2000);
    expect(received(refused)).toBe('');
  },
);

// cloudflare/pingora#571 (U3)
for (const onUnready of ['Close', 'Keep'] as const)
  scenario(
    `onUnready ${onUnready}: an open TCP connection whose Pod turns unready`,
    {
      pods: 1,
      tcp: echo,
      leader: null,
      rules: [rule({ type: 'Balance' })],
      backend: { connection: { onUnready } },
    },
    async (scene) => {
      await scene.untilReady('db-0');
      const client = await open(scene);
      await untilReceived(client, 'db-0');
      await turnsUnready(scene, client, onUnready);
    },
  );

const UPGRADE = 'GET /u HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';

for (const onUnready of ['Close', 'Keep'] as const)
  scenario(
    `onUnready ${onUnready}: an open upgrade whose Pod turns unready (U3)`,
    { pods: 1, leader: null, rules: [rule({ type: 'Balance' })], backend: { connection: { onUnready } } },
    async (scene) => {
      await scene.untilReady('db-0');
      const client = await open(scene);
      client.send(UPGRADE);
      await untilReceived(client, '101 Switching');
      client.send('hello');
      await untilReceived(client, 'hello');
      await turnsUnready(scene, client, onUnready);
    },
  );

timed(
  'Promise 4: an upgrade of a Leader rule is cut within D of the demotion',
  { pods: 2, rules: [LEADER] },
  async (scene) => {
    scene.db0.claim = {};
    await scene.untilLeader('db-0');
    const client = await open(scene);
    client.send(UPGRADE);
    await untilReceived(client, '101 Switching');
    scene.db0.claim = false;
    await client.closed(BOUND_MS);
    client.socket.destroy();
  },
);

// zalando/skipper#1669, caddyserver/caddy#1840
timed(
  'U1 an idle upgrade ends at once when its Pod is killed',
  { pods: 1, leader: null, rules: [rule({ type: 'Balance' })] },
  async (scene) => {
    await scene.untilReady('db-0');
    const client = await open(scene);
    client.send(UPGRADE);
    await untilReceived(client, '101 Switching');
    await scene.db0.crash();
    await client.closed(150);
    client.socket.destroy();
  },
);
