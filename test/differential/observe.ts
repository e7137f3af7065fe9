import { RawClient } from '../helpers/raw-client.ts';
import type { PodConnection, RawPod } from '../helpers/raw-pod.ts';
import { framingOf, type Head, readChunked, readMessage, statusOf } from '../helpers/wire.ts';
import type { Exchange } from './exchanges.ts';

/** Everything seen on both wires, as named facts. */
export type Observation = Record<string, string>;

/** A head read leniently: http-proxy's output is not always canonical. */
function lenientHead(bytes: Buffer): Head | null {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const [line, ...rest] = bytes.toString('latin1', 0, end).split('\r\n');
  const fields = rest.map((text): [string, string] => [
    text.slice(0, text.indexOf(':')),
    text.slice(text.indexOf(':') + 1).trim(),
  ]);
  return { line: line!, fields, length: end + 4 };
}

function note(into: Observation, side: string, head: Head): void {
  into[`${side} line`] = head.line;
  into[`${side} names`] = head.fields.map(([name]) => name).join(' ');
  for (const [name, value] of head.fields) {
    const key = `${side} field ${name.toLowerCase()}`;
    into[key] = into[key] === undefined ? value : `${into[key]} | ${value}`;
  }
}

function clip(body: string): string {
  return body.length > 100 ? `${body.slice(0, 40)}… (${body.length} bytes)` : body;
}

/** Sends one exchange through a proxy and writes down what both ends saw. */
export async function observe(port: number, pod: RawPod, exchange: Exchange): Promise<Observation> {
  const seen: Observation = {};
  let connection: PodConnection | null = null;
  const from = new Map(pod.connections.map((c) => [c, c.received.length]));
  const violations = pod.violations.length;
  pod.script = {
    onRequest: (c, r) => {
      if (r.target === '/afterwards') return c.answer('afterwards', r);
      connection ??= c;
      exchange.reply(c, r);
      if (exchange.tunnel !== undefined) {
        c.raw = true;
        c.socket.on('data', (data) => c.write(data));
      }
    },
  };
  const client = await RawClient.connect(port);
  client.send(exchange.request);
  if (exchange.leave !== undefined) {
    await pod.until(() => connection, 'the request');
    if (exchange.leave === 'during the answer') await client.head();
    client.destroy();
    const left = connection as unknown as PodConnection;
    seen['pod connection after the client left'] = await pod
      .until(() => left.closed || left.ended, 'its end', 300)
      .then(
        () => 'ends',
        () => 'stays open',
      );
    left.socket.destroy();
    return seen;
  }
  await readAnswer(client, exchange, seen);
  if (exchange.tunnel !== undefined && seen['client line']?.includes(' 101 ')) {
    client.send(exchange.tunnel);
    await client.until((rest) => rest.length >= exchange.tunnel!.length, 'the echo');
    seen['client tunnel'] = client.rest.toString('latin1');
  } else await afterwards(client, seen);
  readPod(pod, connection, from, seen, pod.violations[violations]);
  client.destroy();
  return seen;
}

async function readAnswer(client: RawClient, exchange: Exchange, seen: Observation): Promise<void> {
  let interim = '';
  for (;;) {
    const got = await client
      .until(
        (rest) => {
          const head = lenientHead(rest);
          if (head !== null && statusOf(head) < 200 && statusOf(head) !== 101)
            return { head, whole: true, body: '', framing: 'none', trailers: '', length: head.length };
          if (head === null)
            return client.ending === null
              ? null
              : { head, whole: false, body: '', framing: '', trailers: '', length: rest.length };
          const framing = framingOf(head, 'response', exchange.method);
          const message = readMessage(rest, 'response', exchange.method, client.ending !== null);
          if (message !== null)
            return {
              head,
              whole: true,
              body: message.body.toString('latin1'),
              framing,
              trailers: JSON.stringify(message.trailers),
              length: message.raw.length,
            };
          return client.ending === null
            ? null
            : { head, whole: false, body: '', framing, trailers: '[]', length: rest.length };
        },
        'an answer',
        250,
      )
      .catch(() => null);
    if (got === null) {
      seen['client answer'] = 'never ends';
      return;
    }
    client.taken += got.length;
    if (got.head !== null && statusOf(got.head) < 200 && statusOf(got.head) !== 101) {
      interim += `${got.head.line} `;
      continue;
    }
    seen['client interim'] = interim;
    seen['client answer'] = got.head === null ? 'closed without one' : got.whole ? 'whole' : 'cut';
    if (got.head === null) return;
    note(seen, 'client', got.head);
    seen['client framing'] = got.framing;
    seen['client trailers'] = got.trailers;
    if (got.whole) seen['client body'] = clip(got.body);
    return;
  }
}

/** Whether the client's connection serves another request. */
async function afterwards(client: RawClient, seen: Observation): Promise<void> {
  if (seen['client answer'] !== 'whole') return;
  client.send('GET /afterwards HTTP/1.1\r\nHost: front.example\r\n\r\n');
  seen['client connection'] = await client.response('GET', 250).then(
    (answer) => (answer.body.toString() === 'afterwards' ? 'kept' : `kept, but answered ${answer.status}`),
    () => (client.ending === null ? 'stuck' : 'closed'),
  );
}

function readPod(
  pod: RawPod,
  connection: PodConnection | null,
  from: Map<PodConnection, number>,
  seen: Observation,
  violation: Error | undefined,
): void {
  const grown = connection ?? pod.connections.find((c) => c.received.length > (from.get(c) ?? 0)) ?? null;
  seen['pod request'] = grown === null ? 'none' : 'one';
  seen['pod canonical'] = violation === undefined ? 'yes' : violation.message;
  if (grown === null) return;
  const bytes = grown.received.subarray(from.get(grown) ?? 0);
  const head = lenientHead(bytes);
  if (head === null) return;
  note(seen, 'pod', head);
  const framing = framingOf(head, 'request', '');
  seen['pod framing'] = framing;
  const length = head.fields.find(([name]) => name.toLowerCase() === 'content-length')?.[1];
  if (framing === 'length')
    seen['pod body'] = clip(bytes.toString('latin1', head.length, head.length + Number(length)));
  if (framing === 'chunked') {
    const chunked = readChunked(bytes, head.length);
    seen['pod body'] = chunked === null ? 'incomplete' : clip(chunked.body.toString('latin1'));
    seen['pod trailers'] = JSON.stringify(chunked?.trailers ?? []);
  }
}
