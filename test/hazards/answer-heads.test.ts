/**
 * Heads that a Pod may send and no client should get as they are: canonical again before they leave.
 *
 * Story: a 204 with Transfer-Encoding or a 103 with Content-Length makes a lenient client read the next answer as its body;
 * a client that knows no status line without the space gives up.
 * Sources: RFC 9110 sections 7.8, 8.6, 15.5.22; RFC 9112 sections 4, 6.1; llhttp test/response/connection.md ("HTTP 101
 * response with Upgrade and Content-Length header") and sample.md ("No reason phrase"). Siblings of R06, R07 and U03 of
 * http-cases.json.
 */
import { describe, expect, it } from 'vitest';
import { expectUnharmed, lines, scene } from '../helpers/scene.ts';
import { fieldNames, value } from '../helpers/wire.ts';
import { badPod, GET_BAD } from './bad-pods.ts';
import { ASK } from './tunnels.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const FRAMING = ['content-length', 'transfer-encoding'];

describe('R06, R07 interim answers and 204 carry no framing', () => {
  it.each([
    ['Content-Length', 'Content-Length: 5'],
    ['Content-Length: 0', 'Content-Length: 0'],
    ['Transfer-Encoding', 'Transfer-Encoding: chunked'],
  ])('%s', async (_, field) => {
    for (const status of ['100 Continue', '103 Early Hints', '199 x']) {
      const stage = await badPod((c) => c.write(`HTTP/1.1 ${status}\r\nX-Kept: 1\r\n${field}\r\n\r\n${OK}`));
      const client = await stage.client();
      client.send(GET_BAD);
      const interim = await client.message();
      expect(interim.line).toBe(`HTTP/1.1 ${status}`);
      expect(fieldNames(interim)).toEqual(['x-kept']);
      expect((await client.message()).body.toString()).toBe('ok');
      await expectUnharmed(client);
    }
    const stage = await badPod((c) => c.write(`HTTP/1.1 204 No Content\r\n${field}\r\n\r\n`));
    const client = await stage.client();
    const answer = await client.exchange(GET_BAD);
    expect(fieldNames(answer).filter((name) => FRAMING.includes(name))).toEqual([]);
    await expectUnharmed(client);
  });

  it.each(['Content-Length: 5', 'Transfer-Encoding: chunked'])('101 with %s', async (field) => {
    const { client: dial } = await scene({
      scripts: [
        {
          onRequest: (c) => {
            c.raw = true;
            c.write(
              `HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${field}\r\n\r\nfirst bytes`,
            );
          },
        },
      ],
    });
    const client = await dial();
    const answer = await client.exchange(ASK);
    expect(answer.status).toBe(101);
    expect(fieldNames(answer).sort()).toEqual(['connection', 'upgrade']);
    await client.until((rest) => rest.toString('latin1') === 'first bytes', 'the first bytes of the tunnel');
  });
});

describe('a status line without the space before the reason', () => {
  it.each([
    ['HTTP/1.1', 'HTTP/1.1 200\r\n'],
    ['HTTP/1.0', 'HTTP/1.0 200\r\nConnection: keep-alive\r\n'],
    ['beside a field that ends here', 'HTTP/1.1 200\r\nKeep-Alive: timeout=5\r\n'],
  ])('%s: goes on with it', async (_, head) => {
    const stage = await badPod((c) => c.write(`${head}Content-Length: 2\r\n\r\nok`));
    const client = await stage.client();
    const answer = await client.exchange(GET_BAD);
    expect(answer.line).toBe('HTTP/1.1 200 ');
    expect(answer.fields).toEqual([['Content-Length', '2']]);
    expect(answer.body.toString()).toBe('ok');
    await expectUnharmed(client);
  });
});

describe('426', () => {
  it.each([
    ['HTTP/1.1', 'HTTP/1.1', 'Connection: keep-alive', 'Upgrade'],
    ['HTTP/1.1 that closes', 'HTTP/1.1', 'Connection: close', 'close, Upgrade'],
    ['HTTP/1.0 that keeps', 'HTTP/1.0', 'Connection: keep-alive', 'keep-alive, Upgrade'],
  ])(
    '%s: Upgrade goes with the option that confines it to this hop',
    async (_, version, field, connection) => {
      const stage = await badPod((c) =>
        c.write('HTTP/1.1 426 X\r\nUpgrade: foo/2\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nno'),
      );
      const client = await stage.client();
      const answer = await client.exchange(lines(`GET /bad ${version}`, 'Host: a', field));
      expect(value(answer, 'upgrade')).toBe('foo/2');
      expect(value(answer, 'connection')).toBe(connection);
      if (connection.includes('close')) expect(await client.closed()).toBe('fin');
      else await expectUnharmed(client);
    },
  );
});
