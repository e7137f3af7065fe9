/**
 * Bytes that nobody asked for never become an answer.
 *
 * Story: bytes that already wait on an idle connection became the next request's answer (undici GHSA-35p6-xmwp-9g52).
 * Sources: nodejs/undici lib/dispatcher/client-h1.js; issue 11 item 7; DESIGN.md, traps. Case id K1 of field-cases.md.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { expectUnharmed, lines, scene } from '../helpers/scene.ts';
import { pause, poll } from '../helpers/waiting.ts';
import { value } from '../helpers/wire.ts';

const get = (target: string, ...fields: string[]): string =>
  lines(`GET ${target} HTTP/1.1`, 'Host: a', ...fields);

/** Answers with the target; after a `/late` one it sends another answer, so many microseconds later. */
const LATE_POD = `
  const delayUs = Number(process.argv[1]);
  const answer = (body) => 'HTTP/1.1 200 OK\\r\\nContent-Length: ' + body.length + '\\r\\n\\r\\n' + body;
  const server = require('node:net').createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      const target = String(chunk).split(' ')[1];
      socket.write(answer(target));
      if (!target.startsWith('/late')) return;
      const from = process.hrtime.bigint();
      while (process.hrtime.bigint() - from < BigInt(delayUs) * 1000n);
      socket.write(answer('evil'));
    });
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

describe('K1 bytes on an idle upstream connection', () => {
  it('a second whole answer in the same segment: destroyed before reuse, the next answer is the right one', async () => {
    const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
    const {
      pod,
      plane,
      client: dial,
    } = await scene({
      scripts: [
        {
          onRequest: (c, r) => {
            if (r.target === '/first') c.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok${evil}`);
            else c.answer(r.target, r);
          },
        },
      ],
    });
    const client = await dial();
    client.send(get('/first') + get('/second'));
    expect((await client.response()).body.toString()).toBe('ok');
    expect((await client.response()).body.toString()).toBe('/second');
    expect(pod.connections.length).toBeGreaterThanOrEqual(2);
    expect(plane.metric('headroute_upstream_poisoned_total')).toBe(1);
  });

  it.each([40, 2000])(
    'an extra answer %i µs after the first: once it has come, the connection is gone and the next answer is the right one',
    async (delayUs) => {
      // A process of its own: in this one it could not write while the proxy reads.
      const pod = spawn(process.execPath, ['-e', LATE_POD, String(delayUs)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      onTestFinished(() => void pod.kill());
      const [port] = (await once(pod.stdout, 'data')) as [Buffer];
      const { plane, client: dial } = await scene();
      plane.setPods([{ name: 'db-0', port: Number(port) }]);
      const client = await dial();
      await expectUnharmed(client, '/late');
      await poll(
        () => plane.metric('headroute_upstream_poisoned_total') === 1,
        'the extra answer to be seen',
      );
      for (let n = 0; n < 3; n++) await expectUnharmed(client, `/next/${n}`);
    },
  );

  it('after one, connections to that Pod are not reused for a while', async () => {
    const { pod, client: dial } = await scene({
      scripts: [
        {
          onRequest: (c, r) => {
            c.answer(r.target, r);
            if (r.target === '/first')
              setTimeout(() => c.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'), 10);
          },
        },
      ],
    });
    const client = await dial();
    await expectUnharmed(client, '/first');
    await pod.connectionOver();
    for (let i = 0; i < 3; i++) await expectUnharmed(client, `/${i}`);
    expect(pod.connections.length).toBe(4);
  });

  it('bytes before any request on a fresh connection are no answer', async () => {
    const { client: dial } = await scene({
      scripts: [
        {
          onConnect: (c) => c.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'),
          onRequest: (c, r) => c.answer(r.target, r),
        },
      ],
    });
    const client = await dial();
    const answer = await client.exchange(get('/first'));
    // Caught (502 or tried again); if the bytes came in the same instant as the request they cannot be told apart, and
    // then at least nothing of that connection is used again.
    if (answer.status === 200 && answer.body.toString() === 'evil') {
      await pause(20);
      const next = await client.exchange(get('/second'));
      expect(next.body.toString()).not.toBe('/first');
    }
  });
});

describe('an answer that comes before the request was read', () => {
  it('200 while the body still comes: the upstream connection is not reused, the next request is unharmed', async () => {
    const { pod, client: dial } = await scene({
      scripts: [{ onHead: (c, r) => (r.target === '/early' ? c.answer('early') : c.answer(r.target)) }],
    });
    const client = await dial();
    client.send(`${lines('POST /early HTTP/1.1', 'Host: a', 'Content-Length: 20')}hello`);
    const answer = await client.response('POST');
    expect(answer.body.toString()).toBe('early');
    client.send('GET /x HTTP/1.1');
    if (value(answer, 'connection') === 'close') await client.closed();
    else await expectUnharmed(client);
    await expectUnharmed(await dial());
    expect(pod.violations).toEqual([]);
    expect(pod.connections.every((c) => !c.text.includes('GET /x'))).toBe(true);
  });
});
