/**
 * Which protocols an upgrade may name: none that is HTTP again, and a 101 only to those that were asked for.
 *
 * Story: a tunnel in which HTTP is spoken passes every later request unseen, past rules and leader (h2cSmuggler); a second
 * Upgrade line in a 101 was not looked at.
 * Sources: RFC 9110 section 7.8; RFC 7540 section 3.2 and its drafts' tokens; RFC 2817; BishopFox/h2csmuggler; haproxy
 * protocol_upgrade.vtc. Siblings of U02 and R09 of http-cases.json.
 */
import { describe, expect, it } from 'vitest';
import { fieldValues } from '../helpers/raw-pod.ts';
import { expectProblem, expectUnharmed, lines, scene } from '../helpers/scene.ts';
import { ASK } from './tunnels.ts';

const asks = (upgrade: string): string =>
  lines(
    'GET /h HTTP/1.1',
    'Host: a',
    'Connection: Upgrade, HTTP2-Settings',
    `Upgrade: ${upgrade}`,
    'HTTP2-Settings: x',
  );

describe('U02 protocols that are HTTP again', () => {
  it.each([
    'h2c-14',
    'h2',
    'h3',
    'HTTP/2.0',
    'http',
    'TLS/1.0, HTTP/1.1',
    'TLS',
    'h2c,h2c',
    ', h2c',
    'h2c/1',
    '"h2c"',
    'h2c;q=1',
  ])('%s: stripped, an ordinary request', async (upgrade) => {
    const { pod, client: dial } = await scene();
    const client = await dial();
    const answer = await client.exchange(asks(upgrade));
    expect(answer.status).toBe(200);
    const [request] = pod.requests;
    for (const name of ['upgrade', 'http2-settings', 'connection'])
      expect(fieldValues(request!, name)).toEqual([]);
    await expectUnharmed(client);
    expect(pod.connections.length).toBe(1);
  });

  it('beside another protocol: only that is asked for', async () => {
    const { pod, client: dial } = await scene();
    await (await dial()).exchange(asks('h2c, websocket, TLS/1.2\r\nUpgrade: foo/2, h2c'));
    expect(fieldValues(pod.requests[0]!, 'upgrade')).toEqual(['websocket, foo/2']);
  });
});

describe('R09 a 101 to what was not asked for', () => {
  it.each([
    ['on a second line', 'Upgrade: websocket\r\nUpgrade: other'],
    ['in a list', 'Upgrade: websocket, other'],
    ['an empty name', 'Upgrade:'],
    ['no Upgrade', 'X: 1'],
    ['another version of it', 'Upgrade: websocket/2'],
  ])('%s: 502, no byte passes', async (_, fields) => {
    const { pod, client: dial } = await scene({
      scripts: [
        {
          onRequest: (c, r) =>
            r.target === '/ws'
              ? c.write(`HTTP/1.1 101 X\r\nConnection: Upgrade\r\n${fields}\r\n\r\nraw`)
              : c.answer(r.target, r),
        },
      ],
    });
    const client = await dial();
    expectProblem(await client.exchange(ASK), 'upstream_protocol', true);
    await pod.connectionOver();
    await expectUnharmed(client);
  });
});
