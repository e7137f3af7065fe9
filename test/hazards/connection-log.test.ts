/** The access log has one line for each connection that carries bytes rather than requests, with the reason of its end. */
import { describe, expect, it } from 'vitest';
import { leaderSelection } from '../helpers/data-plane.ts';
import type { RawClient } from '../helpers/raw-client.ts';
import type { PodScript } from '../helpers/raw-pod.ts';
import { type LogLine, recordingLogger } from '../helpers/recording-logger.ts';
import { type Scene, type SceneOptions, scene } from '../helpers/scene.ts';
import { pause, poll } from '../helpers/waiting.ts';
import { echo, opened, SWITCH } from './tunnels.ts';

interface Logged extends Scene {
  /** The only line of a connection so far. */
  line(): Promise<LogLine>;
  readonly lines: readonly LogLine[];
}

const greeting: PodScript = {
  onConnect: (c) => {
    c.raw = true;
    c.write('hello\r\n');
  },
};

async function logged(options: SceneOptions = {}): Promise<Logged> {
  const all: LogLine[] = [];
  const stage = await scene({
    access: true,
    protocol: 'TCP',
    logger: recordingLogger(all),
    scripts: [greeting],
    ...options,
  });
  const connections = (): LogLine[] => all.filter(({ message }) => message === 'connection');
  return {
    ...stage,
    get lines() {
      return connections();
    },
    line: () =>
      poll(
        () => (connections().length === 1 ? connections()[0] : null),
        () => `one line, not ${JSON.stringify(connections())}`,
      ),
  };
}

/** A client that has got the Pod's greeting and sent 4 bytes, which are there. */
async function greeted(stage: Logged): Promise<RawClient> {
  const client = await stage.client();
  await client.hears('hello\r\n');
  client.send('ping');
  await stage.pods[0]!.until((pod) => pod.last.text === 'ping', 'the bytes at the Pod');
  return client;
}

const leads = (part: Parameters<typeof leaderSelection>[0] = {}): SceneOptions => ({
  scripts: [greeting, greeting],
  leader: 'db-0',
  rules: [{ selection: leaderSelection(part) }],
});

describe('a TCP connection', () => {
  it('listener, client, rule, backend, Pod, attempts, bytes of both ways, times', async () => {
    const stage = await logged();
    const client = await greeted(stage);
    const { localPort } = client.socket;
    client.end();
    await stage.pod.until((pod) => pod.last.ended, 'the end at the Pod');
    stage.pod.last.end('bye');
    await client.closed();
    const line = await stage.line();
    expect(line).toEqual({
      level: 'info',
      message: 'connection',
      kind: 'tcp',
      listener: 'db',
      client: `127.0.0.1:${localPort}`,
      rule: 'all',
      backend: 'db',
      pod: 'db-0',
      attempts: 1,
      heldMs: 0,
      durationMs: expect.any(Number),
      bytesReceived: 4,
      bytesSent: 10,
      end: 'client',
      detail: null,
    });
    expect(line.durationMs).toBeGreaterThan(0);
  });

  it.each<[string, string | null, SceneOptions, (stage: Logged, client: RawClient) => unknown]>([
    [
      'pod',
      null,
      {},
      (stage, client) => {
        stage.pod.last.end();
        return client.closed().then(() => client.end());
      },
    ],
    ['reset', 'the client: ECONNRESET', {}, (_, client) => client.reset()],
    ['reset', 'the Pod: ECONNRESET', {}, (stage) => stage.pod.last.reset()],
    ['demotion', 'db-1 leads now', leads(), (stage) => stage.plane.setLeader('db-1')],
    [
      'demotion',
      'its Pod does not lead any more',
      leads(),
      (stage) => stage.plane.setLeader({ state: 'none' }),
    ],
    [
      'unready',
      'its Pod is unready: set by the test',
      { connection: { onUnready: 'Close' } },
      (stage) => stage.plane.setState('db-0', 'unready'),
    ],
    [
      'gone',
      'its Pod set by the test',
      {},
      (stage) => stage.plane.setPods([{ name: 'db-0', port: stage.pod.port, state: 'draining', lost: true }]),
    ],
    [
      'removed',
      'its backend or listener was removed',
      {},
      (stage) => stage.plane.reload({ listener: null, shutdownTimeoutMs: 50 }),
    ],
    ['shutdown', 'the sidecar shuts down', {}, (stage) => stage.plane.close()],
  ])('with a Pod ends by %s (%s)', async (end, detail, options, act) => {
    const stage = await logged(options);
    const client = await greeted(stage);
    await act(stage, client);
    expect(await stage.line()).toMatchObject({
      end,
      detail,
      pod: 'db-0',
      bytesReceived: 4,
      bytesSent: 7,
    });
  });

  const NONE = { state: 'none' } as const;

  it.each<[string, SceneOptions, (stage: Logged, client: RawClient) => unknown]>([
    ['client', { leader: NONE, rules: [{ selection: leaderSelection() }] }, (_, client) => client.end()],
    ['client', { leader: NONE, rules: [{ selection: leaderSelection() }] }, (_, client) => client.reset()],
    [
      'hold_timeout',
      { leader: NONE, rules: [{ selection: leaderSelection({ hold: { timeoutMs: 60 } }) }] },
      () => {},
    ],
    [
      'hold_full',
      { leader: NONE, rules: [{ selection: leaderSelection({ hold: { maxRequests: 0 } }) }] },
      () => {},
    ],
    [
      'no_leader',
      { leader: NONE, rules: [{ selection: leaderSelection({ hold: { timeoutMs: 0 } }) }] },
      () => {},
    ],
    [
      'shutdown',
      { leader: NONE, rules: [{ selection: leaderSelection() }] },
      (stage) =>
        poll(() => stage.plane.plane.report().held.db === 1, 'the hold').then(() => stage.plane.close()),
    ],
    [
      'removed',
      { leader: NONE, rules: [{ selection: leaderSelection() }] },
      async (stage) => {
        await poll(() => stage.plane.plane.report().held.db === 1, 'the hold');
        await stage.plane.reload({ listener: null, shutdownTimeoutMs: 50 });
      },
    ],
    ['no_endpoint', { rules: [{ backendRefs: [{ name: 'db', weight: 0 }] }] }, () => {}],
    ['overloaded', { limits: { connections: 0 } }, () => {}],
  ])('that had no Pod ends by %s', async (end, options, act) => {
    const stage = await logged(options);
    const client = await stage.client();
    const { localPort } = client.socket;
    await act(stage, client);
    expect(await stage.line()).toMatchObject({
      end,
      client: `127.0.0.1:${localPort}`,
      pod: null,
      attempts: 0,
      bytesReceived: 0,
      bytesSent: 0,
    });
  });

  it('that no Pod takes: the Pod that was tried last, why, and how many were', async () => {
    const stage = await logged({
      rules: [{ retry: { attempts: 1, backoffMs: 0, codes: [], budget: null } }],
    });
    stage.pod.refuse();
    await (await stage.client()).closed();
    expect(await stage.line()).toMatchObject({
      end: 'connect_failed',
      detail: expect.stringMatching(/^db-0: .*ECONNREFUSED/),
      pod: 'db-0',
      attempts: 2,
    });
  });

  it('that was held: how long', async () => {
    const stage = await logged({ ...leads(), leader: NONE });
    const client = await stage.client();
    await poll(() => stage.plane.plane.report().held.db === 1, 'the hold');
    await pause(60);
    stage.plane.setLeader('db-1');
    await client.hears('hello\r\n');
    client.reset();
    const line = await stage.line();
    expect(line).toMatchObject({ end: 'reset', pod: 'db-1' });
    expect(line.heldMs).toBeGreaterThan(50);
    expect(line.durationMs).toBeGreaterThanOrEqual(line.heldMs as number);
  });

  it('the client’s address that is asked for hides no RST that comes with the last bytes', async () => {
    const stage = await logged();
    const client = await greeted(stage);
    client.send('half a li');
    client.reset();
    expect(await stage.line()).toMatchObject({ end: 'reset', bytesReceived: 13 });
  });

  it('errors only: none of what its sides ended in order', async () => {
    const stage = await logged({ access: 'errors', ...leads() });
    const first = await greeted(stage);
    first.end();
    await stage.pod.until((pod) => pod.last.ended, 'the end at the Pod');
    stage.pod.last.end();
    await first.closed();
    await greeted(stage);
    stage.plane.setLeader('db-1');
    expect(await stage.line()).toMatchObject({ end: 'demotion' });
  });
});

describe('an upgraded connection', () => {
  it('has a line beside that of its request, with the bytes that followed the switch', async () => {
    const stage = await logged({ protocol: 'HTTP', scripts: [echo] });
    const { client } = await opened(stage);
    await client.echoes('X');
    await client.echoes('YZ');
    const { localPort } = client.socket;
    client.reset();
    expect(await stage.line()).toMatchObject({
      kind: 'upgrade',
      listener: 'db',
      client: `127.0.0.1:${localPort}`,
      rule: 'all',
      pod: 'db-0',
      bytesReceived: 3,
      bytesSent: 3,
      end: 'reset',
    });
  });

  it('what came with either head counts, too', async () => {
    const stage = await logged({
      protocol: 'HTTP',
      scripts: [
        {
          onRequest: (c) => {
            c.raw = true;
            c.write(`${SWITCH}hey`);
          },
        },
      ],
    });
    const client = await stage.client();
    client.send('GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly');
    expect((await client.response('GET')).status).toBe(101);
    await client.hears('hey');
    await stage.pod.until((pod) => pod.last.text.endsWith('early'), 'the early bytes');
    stage.plane.setLeader('db-0');
    client.end();
    await stage.pod.until((pod) => pod.last.ended, 'the end at the Pod');
    stage.pod.last.end();
    expect(await stage.line()).toMatchObject({
      kind: 'upgrade',
      bytesReceived: 5,
      bytesSent: 3,
      end: 'client',
    });
  });
});
