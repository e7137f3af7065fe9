/**
 * A Pod has left DNS and gives no sign of life: what is open to it is reset at once, and nothing else is. B4 (linkerd2#13023,
 * lettuce#2082). SPEC 3, Health and Retrying.
 */
import { describe, expect, it } from 'vitest';
import type { PodScript } from '../helpers/raw-pod.ts';
import { expectProblem, lines, type Scene, scene } from '../helpers/scene.ts';
import { poll } from '../helpers/waiting.ts';

/** db-0 takes whatever comes and is silent; db-1 answers. */
async function twoPods(part: Parameters<typeof scene>[0] = {}): Promise<Scene> {
  return scene({
    rules: [{ selection: { type: 'Balance', over: 'Ready', algorithm: 'RoundRobin' } }],
    scripts: [{ onRequest: () => {} }, {}],
    ...part,
  });
}

const raw: PodScript = {
  onConnect: (connection) => {
    connection.raw = true;
  },
};

function lose({ pods, plane }: Scene, lost: boolean): void {
  plane.setPods([
    { name: 'db-0', port: pods[0]!.port, state: 'draining', ...(lost ? { lost } : {}) },
    { name: 'db-1', port: pods[1]!.port },
  ]);
}

const request = (method: string): string => lines(`${method} /x HTTP/1.1`, 'Host: a', 'Content-Length: 0');

/** A client whose request is with db-0. */
async function waiting(s: Scene, method: string) {
  for (;;) {
    const client = await s.client();
    const before = s.pods[0]!.requests.length;
    client.send(request(method));
    await poll(() => s.pods[0]!.requests.length > before || client.rest.length > 0, 'it is at a Pod');
    if (s.pods[0]!.requests.length > before) return client;
  }
}

describe('a Pod that is lost', () => {
  it('a GET that waits for it is answered by another', async () => {
    const s = await twoPods();
    const client = await waiting(s, 'GET');
    lose(s, true);
    expect(await client.response()).toMatchObject({ status: 200 });
  });

  it('a POST gets upstream_reset, sent', async () => {
    const s = await twoPods();
    const client = await waiting(s, 'POST');
    lose(s, true);
    expectProblem(await client.response(), 'upstream_reset', true);
  });

  it('one that only drains keeps its requests', async () => {
    const s = await twoPods();
    const client = await waiting(s, 'POST');
    lose(s, false);
    await poll(() => s.plane.cell.current().backends.get('db')!.ready.length === 1, 'it drains');
    const other = await s.client();
    expect((await other.exchange(request('GET'))).status).toBe(200);
    s.pods[0]!.connections[0]!.answer('late', s.pods[0]!.requests[0]!);
    expect((await client.response()).body.toString()).toBe('late');
  });

  it('an answer that had begun is broken off, not ended', async () => {
    const s = await twoPods({
      scripts: [{ onRequest: (c) => c.write('HTTP/1.1 200 OK\r\n\r\nuntil the end') }, {}],
    });
    const client = await waiting(s, 'GET');
    await client.until((rest) => rest.toString().endsWith('until the end'), 'its beginning');
    lose(s, true);
    expect(await client.closed()).toBe('reset');
  });

  it('its TCP tunnels are reset on both sides', async () => {
    const s = await twoPods({ protocol: 'TCP', scripts: [raw, {}] });
    const client = await s.client();
    client.send('hello');
    await poll(() => s.pods[0]!.connections.length === 1, 'the tunnel');
    lose(s, true);
    expect(await client.closed()).toBe('reset');
    await poll(() => s.pods[0]!.connections[0]!.over, 'the Pod sees it, too');
  });
});
