/**
 * What fan-outs hold: within `limits.fanOutBytes`, all together, and nothing once they are over, however they end.
 *
 * Story: fifty Merges at once took 705 MB and a sidecar its life; a client that does not read kept a whole composed answer.
 * Sources: CWE-770, CWE-401; SPEC 3 (Fan-out); issue 16 item 2. Siblings of L01–L04.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FanOutSelection } from '../../src/model/config.ts';
import type { PodConnection, PodScript } from '../helpers/raw-pod.ts';
import { expectProblem, lines, type Scene, scene } from '../helpers/scene.ts';
import { poll } from '../helpers/waiting.ts';

const MIB = 1 << 20;
const GET = (path: string) => lines(`GET ${path} HTTP/1.1`, 'Host: a');

/** By path: `/<bytes>` answers so many, `/<bytes>/<more>` says that more will come, but it does not. Else what is given. */
const sized = (other: PodScript['onRequest'] = (c, r) => c.answer('small', r)): PodScript => ({
  onRequest(connection, request) {
    const [, bytes, more] = /^\/(\d+)(?:\/(\d+))?$/.exec(request.target) ?? [];
    if (bytes === undefined) {
      other(connection, request);
      return;
    }
    const length = Number(bytes) + Number(more ?? 0);
    connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`);
    if (request.method !== 'HEAD') connection.write(Buffer.alloc(Number(bytes), 0x78));
  },
});

const heldBy = ({ plane }: Scene): number => plane.plane.report().listeners[0]!.fanOutBytes;

function fanOut(
  scripts: readonly PodScript[],
  selection: Partial<FanOutSelection> = {},
  options: { fanOutBytes?: number; idleMs?: number } = {},
): Promise<Scene> {
  const { fanOutBytes = MIB, idleMs = 75_000 } = options;
  return scene({
    scripts,
    limits: { fanOutBytes },
    timeouts: { idleMs },
    rules: [
      {
        selection: {
          type: 'FanOut',
          over: 'All',
          respond: 'All',
          minSuccess: null,
          merge: null,
          maxResponseBytes: 16 * MIB,
          allowUnsafe: true,
          ...selection,
        },
      },
    ],
  });
}

describe('limits.fanOutBytes', () => {
  it('a fan-out that needs more is told overloaded, and that it was sent; the next one that needs less is served', async () => {
    const stage = await fanOut([sized(), sized(), sized()]);
    const client = await stage.client();
    const answer = await client.exchange(GET('/600000'));
    expectProblem(answer, 'overloaded', true);
    expect(JSON.parse(answer.body.toString()).detail).toContain('limits.fanOutBytes');
    expect((await client.exchange(GET('/1000'))).status).toBe(200);
  });

  it('is of all fan-outs together: where no room is left nothing is sent', async () => {
    const stage = await fanOut([sized()]);
    (await stage.client()).send(GET('/985000/1'));
    const client = await stage.client();
    let before = 0;
    const refused = await poll(
      async () => {
        before = stage.pod.total;
        const answer = await client.exchange(GET('/1'));
        return answer.status !== 200 && answer;
      },
      () => 'the first one to hold what there is',
    );
    expectProblem(refused, 'overloaded', false);
    expect(stage.pod.total).toBe(before);
  });

  it('counts requests that are kept', async () => {
    const stage = await fanOut([sized(() => {})], {}, { fanOutBytes: 130_000 });
    const post = `${lines('POST /x HTTP/1.1', 'Host: a', 'Content-Length: 60000')}${'x'.repeat(60_000)}`;
    (await stage.client()).send(post);
    await stage.pod.request(1);
    const client = await stage.client();
    expectProblem(await client.exchange(post, 'POST'), 'overloaded', false);
    expect(stage.pod.requests.length).toBe(1);
  });
});

describe('respond: Quorum', () => {
  it('keeps one body of those that agree', async () => {
    const stage = await fanOut([sized(), sized(), sized()], { respond: 'Quorum', minSuccess: 3 });
    const held: PodConnection[] = [];
    for (const pod of stage.pods) pod.script = { onRequest: (c) => void held.push(c) };
    const client = await stage.client();
    client.send(GET('/x'));
    await poll(
      () => held.length === 3,
      () => 'all to be asked',
    );
    for (const [n, connection] of held.entries()) {
      connection.answer('x'.repeat(400_000));
      if (n === 2) break;
      const answered = () => stage.plane.metric('headroute_upstream_requests_total', 'ok');
      // Three of them would not fit.
      await poll(
        () => answered() === n + 1 && heldBy(stage) < 500_000,
        () => `answer ${n} to be counted; ${heldBy(stage)} bytes held`,
      );
    }
    expect((await client.response()).body.length).toBe(400_000);
  });
});

/** One fan-out after another that ends in some way. */
const ENDINGS: [string, Partial<FanOutSelection>, string, PodScript['onRequest']?][] = [
  ['whole', {}, GET('/100000')],
  ['overloaded', {}, GET('/900000')],
  ['HEAD', {}, lines('HEAD /100000 HTTP/1.1', 'Host: a')],
  ['First, the other cancelled', { respond: 'First' }, GET('/100000')],
  ['Quorum', { respond: 'Quorum' }, GET('/100000')],
  ['Quorum without one', { respond: 'Quorum' }, GET('/x'), (c) => c.answer(`${c.pod.port}`.repeat(9999))],
  ['too large', { maxResponseBytes: 50_000 }, GET('/100000')],
  ['what cannot be merged', { respond: 'Merge', merge: { type: 'JSONLines' } }, GET('/100000')],
  [
    'lines',
    { respond: 'Merge', merge: { type: 'JSONLines' } },
    GET('/x'),
    (c) => c.answer('1 \n'.repeat(30_000)),
  ],
  [
    'arrays',
    { respond: 'Merge', merge: { type: 'ConcatArrays', pointer: '' } },
    GET('/x'),
    (c) => c.answer(`[${'1,'.repeat(50_000)}1]`),
  ],
  [
    'broken off by a Pod',
    {},
    GET('/x'),
    (c) => c.end(`HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n${'x'.repeat(70_000)}`),
  ],
  [
    'errors',
    { respond: 'First' },
    GET('/x'),
    (c) => c.write(`HTTP/1.1 500 X\r\nContent-Length: 9000\r\n\r\n${'x'.repeat(9000)}`),
  ],
  ['a POST', {}, `${lines('POST /x HTTP/1.1', 'Host: a', 'Content-Length: 60000')}${'x'.repeat(60_000)}`],
];
const TIMES = 20;

function expectAllFree(stage: Scene): Promise<unknown> {
  return poll(
    () => heldBy(stage) === 0,
    () => `all to be freed, not ${heldBy(stage)} bytes held`,
  );
}

describe('nothing is held after a fan-out', () => {
  it.each(ENDINGS)('%s', async (_, selection, request, script) => {
    const stage = await fanOut([sized(script), sized(script)], selection);
    const client = await stage.client();
    for (let n = 0; n < TIMES; n++) await client.exchange(request, request.slice(0, request.indexOf(' ')));
    await expectAllFree(stage);
  });

  it('whose client leaves while Pods answer', async () => {
    const stage = await fanOut([sized(), sized()]);
    for (let n = 0; n < TIMES; n++) {
      const client = await stage.client();
      client.send(GET('/30000/1'));
      await stage.pod.request(n + 1);
      client.reset();
    }
    await expectAllFree(stage);
  });
});

describe('a client that does not read', () => {
  const BYTES = 12_000_000;

  async function stalled(idleMs?: number): Promise<{ stage: Scene; socket: Socket }> {
    const stage = await fanOut([sized(), sized()], {}, { fanOutBytes: 32 * MIB, idleMs });
    const socket = connect(stage.plane.port, '127.0.0.1').on('error', () => {});
    onTestFinished(() => void socket.destroy());
    socket.pause();
    socket.write(lines(`GET /${BYTES} HTTP/1.1`, 'Host: a', 'Connection: close'));
    return { stage, socket };
  }

  it('gets all of it when it reads again', async () => {
    const { stage, socket } = await stalled();
    await poll(
      () => stage.pods.every((pod) => pod.requests.length > 0 && pod.last.socket.writableLength === 0),
      () => 'the Pods to have sent all',
    );
    const parts: Buffer[] = [];
    socket.on('data', (part) => void parts.push(part)).resume();
    await once(socket, 'end');
    const answer = Buffer.concat(parts);
    const body = JSON.parse(answer.toString('latin1', answer.indexOf('\r\n\r\n') + 4));
    expect(body.responses.map((one: { body: string }) => one.body.length)).toEqual([BYTES, BYTES]);
  });

  it('is cut off after timeouts.idle, and what was kept for it is free', async () => {
    const { stage } = await stalled(300);
    const failures = () => stage.plane.metric('headroute_request_failures_total', 'client_gone');
    await poll(
      () => failures() === 1,
      () => 'it to be given up',
      10_000,
    );
    await expectAllFree(stage);
  });
});
