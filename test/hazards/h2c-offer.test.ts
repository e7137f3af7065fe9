/**
 * Clients that offer h2c with every first request, their bodies included, are served over HTTP/1.1.
 *
 * Story: a proxy that takes the offer, or waits for what comes after it, loses the body of Java's POST (envoyproxy/envoy#7161,
 * jetty/jetty.project#9998). RFC 9110 section 7.8: a server may ignore Upgrade.
 * The heads are those that java.net.http (17, HTTP_2, its default) and `curl --http2` were seen to send. Case id B30 of
 * field-cases.md; sibling of U02.
 */
import { describe, expect, it } from 'vitest';
import type { RawClient } from '../helpers/raw-client.ts';
import { fieldValues, type PodScript } from '../helpers/raw-pod.ts';
import { expectCanonical, expectUnharmed, lines, scene } from '../helpers/scene.ts';

const OFFER = [
  'Connection: Upgrade, HTTP2-Settings',
  'HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA',
  'Upgrade: h2c',
];

/** As java.net.http writes it: names in this order and spelling, `Content-Length: 0` with a GET. */
function java(method: string, ...framing: string[]): string {
  const [connection, ...offer] = OFFER;
  return lines(
    `${method} /java HTTP/1.1`,
    connection!,
    ...framing,
    'Host: 127.0.0.1:8080',
    ...offer,
    'User-Agent: Java-http-client/17.0.15',
  );
}

/** Answers with the body; a request that expects 100 gets it. */
const echo: PodScript = {
  onHead: (c) => {
    if (/expect: 100-continue/i.test(c.text)) c.write('HTTP/1.1 100 Continue\r\n\r\n');
  },
  onRequest: (c, r) =>
    c.answer(r.target === '/unharmed' ? r.target : r.body.toString('latin1'), r, 'Upgrade: h2c\r\n'),
};

function chunked(body: string, size: number): string {
  let text = '';
  for (let at = 0; at < body.length; at += size) {
    const piece = body.slice(at, at + size);
    text += `${piece.length.toString(16)}\r\n${piece}\r\n`;
  }
  return `${text}0\r\n\r\n`;
}

const BODY = 'headroute '.repeat(420_000);

describe('B30 an offer of h2c', () => {
  it.each([
    ['Java, GET', java('GET', 'Content-Length: 0'), '', ''],
    ['Java, POST of 4 MB', java('POST', `Content-Length: ${BODY.length}`), BODY, BODY],
    ['Java, POST of a stream', java('POST', 'Transfer-encoding: chunked'), chunked(BODY, 16_384), BODY],
    [
      'curl --http2 -d',
      lines(
        'POST /curl HTTP/1.1',
        'Host: a',
        'User-Agent: curl/7.88.1',
        'Accept: */*',
        ...OFFER,
        'Content-Length: 3',
        'Content-Type: application/x-www-form-urlencoded',
      ),
      'a=b',
      'a=b',
    ],
  ])('%s: HTTP/1.1 200, the body whole at the Pod, the connection stays', async (_, head, sent, body) => {
    const { pod, pods, client: dial } = await scene({ scripts: [echo] });
    const client = await dial();
    client.send(head + sent);
    const answer = await client.message(head.slice(0, head.indexOf(' ')), 8000);
    expect([answer.line, answer.body.toString('latin1') === body]).toEqual(['HTTP/1.1 200 OK', true]);
    for (const name of ['upgrade', 'http2-settings']) expect(fieldValues(pod.requests[0]!, name)).toEqual([]);
    await expectUnharmed(client);
    expectCanonical(pods);
  });

  it('Java, POST that expects 100: one 100 comes, then the body goes', async () => {
    const { client: dial } = await scene({ scripts: [echo] });
    const client = await dial();
    client.send(java('POST', 'Content-Length: 5', 'Expect: 100-Continue'));
    expect((await client.message()).status).toBe(100);
    client.send('hello');
    const answer = await client.message('POST');
    expect([answer.status, answer.body.toString()]).toEqual([200, 'hello']);
  });

  it('30 clients at once, each on a connection of its own', async () => {
    const { pods, client: dial } = await scene({ scripts: [echo] });
    const one = async (client: RawClient, n: number): Promise<string> => {
      const body = `${n} `.repeat(20_000);
      client.send(java('POST', `Content-Length: ${body.length}`) + body);
      const answer = await client.message('POST', 8000);
      return `${answer.line} ${answer.body.toString('latin1') === body}`;
    };
    const clients = await Promise.all(Array.from({ length: 30 }, () => dial()));
    expect(await Promise.all(clients.map(one))).toEqual(Array(30).fill('HTTP/1.1 200 OK true'));
    expectCanonical(pods);
  });
});
