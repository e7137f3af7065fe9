/**
 * Connections that do not come about: `connectTimeout` holds for all addresses of a Pod together, and also where a kept
 * connection ended in the very moment in which a request took it.
 *
 * Story: a machine dies; its last FIN arrives with the next request, and the SYN that follows is answered by nobody for two
 * minutes.
 * Sources: RFC 9112 section 9.3.1; SPEC 2 (`connectTimeout`), SPEC 3 Discovery (one Pod, two addresses). Siblings of R2, N9.
 */
import { describe, expect, it } from 'vitest';
import type { Failure } from '../../src/model/failure.ts';
import { deafPort } from '../helpers/deaf-port.ts';
import type { PodConnection } from '../helpers/raw-pod.ts';
import { expectProblem, expectUnharmed, lines, scene } from '../helpers/scene.ts';
import { loopNowMs } from '../helpers/waiting.ts';
import { NO_RETRY } from './bad-pods.ts';

const POST = `${lines('POST /w HTTP/1.1', 'Host: a', 'Content-Length: 5')}hello`;
const FAN_OUT = {
  selection: {
    type: 'FanOut',
    over: 'All',
    respond: 'First',
    minSuccess: 1,
    merge: null,
    maxResponseBytes: 1 << 20,
    allowUnsafe: true,
  },
} as const;

describe('R2, N9 a kept connection ends with the next request, and nobody answers a new one', () => {
  it.each<[string, (c: PodConnection) => void, object, Failure]>([
    ['closed', (c) => c.end(), { retry: NO_RETRY }, 'connect_failed'],
    ['reset', (c) => c.reset(), { retry: NO_RETRY }, 'connect_failed'],
    ['poisoned', (c) => c.write('HTTP/1.1 200 OK\r\n\r\n'), { retry: NO_RETRY }, 'connect_failed'],
    ['closed, in a fan-out', (c) => c.end(), FAN_OUT, 'quorum_unmet'],
  ])('%s: connect_failed at connectTimeout', async (_, act, rule, failure) => {
    const { pod, client: dial } = await scene({
      connection: { connectTimeoutMs: 300 },
      rules: [rule],
    });
    const client = await dial();
    await expectUnharmed(client);
    pod.refuse();
    await deafPort(pod.port);
    client.send(POST);
    act(pod.connections[0]!);
    const answer = await client.response('POST');
    expectProblem(answer, failure, false);
    expect(pod.requests.length).toBe(1);
  });
});

describe('N3 a Pod of two addresses that both stay silent', () => {
  it.each(['HTTP', 'TCP'] as const)('%s: connectTimeout is for both together', async (protocol) => {
    const port = await deafPort();
    const stage = await scene({
      protocol,
      connection: { connectTimeoutMs: 1000 },
      rules: [{ retry: NO_RETRY }],
    });
    stage.plane.setPods([{ name: 'db-9', port, addresses: ['127.0.0.1', '127.0.0.2'] }]);
    const client = await stage.client();
    const began = loopNowMs();
    client.send(POST);
    if (protocol === 'HTTP') expectProblem(await client.response('POST'), 'connect_failed', false);
    else await client.closed();
    expect(loopNowMs() - began).toBeLessThan(1300);
  });

  it('the first refuses at once: the second has all of the time', async () => {
    const stage = await scene();
    const { port } = stage.pod;
    stage.plane.setPods([{ name: 'db-9', port, addresses: ['127.0.0.3', '127.0.0.1'] }]);
    expect((await (await stage.client()).exchange(POST)).status).toBe(200);
  });
});
