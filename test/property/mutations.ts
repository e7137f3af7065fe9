import fc from 'fast-check';

/** Arbitrary HTTP/1.1 byte streams: valid messages, then a few small crimes. All text is latin1. */

const token = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'PROPFIND');
const target = fc.constantFrom('/', '/a', '/a/b?c=d', '/%2e%2e/x', '//x', '/?', '/a;b', 'http://h.example/p');
const fieldLine = fc.constantFrom(
  'X-A: 1',
  'x-b:2',
  'Accept: */*',
  'Cookie: a=b; c=d',
  'X-Empty:',
  'X-Tabs:\t1\t',
  'X-Latin: caf\xe9',
  'Connection: keep-alive',
  'Connection: X-A',
  'TE: trailers',
  'Via: 1.1 other',
  'X-Forwarded-For: 6.6.6.6',
  'Upgrade: h2c',
  'Trailer: X-T',
  `X-Long: ${'y'.repeat(300)}`,
);
const body = fc.oneof(
  fc.constant({ field: '', bytes: '' }),
  fc.constant({ field: 'Content-Length: 0', bytes: '' }),
  fc.constantFrom('hello', 'GET /in-body HTTP/1.1\r\nHost: b\r\n\r\n', '0\r\n\r\n').map((bytes) => ({
    field: `Content-Length: ${bytes.length}`,
    bytes,
  })),
  fc
    .array(fc.constantFrom('a', 'hello', 'GET / HTTP/1.1\r\n', 'z'.repeat(70)), { maxLength: 4 })
    .chain((chunks) =>
      fc.constantFrom('', ';x=y', ';q="a b"').chain((extension) =>
        fc.constantFrom('', 'X-T: 1\r\n', 'X-T: 1\r\nx-u:2\r\n').map((trailer) => ({
          field: 'Transfer-Encoding: chunked',
          bytes: `${chunks.map((c) => `${c.length.toString(16)}${extension}\r\n${c}\r\n`).join('')}0\r\n${trailer}\r\n`,
        })),
      ),
    ),
);

/** A valid request. */
export const request = fc
  .record({
    method: token,
    target,
    fields: fc.array(fieldLine, { maxLength: 4 }),
    body,
    hostFirst: fc.boolean(),
  })
  .map(({ method, target: t, fields, body: b, hostFirst }) => {
    const all = [...fields, ...(b.field === '' ? [] : [b.field])];
    if (hostFirst) all.unshift('Host: h.example');
    else all.push('Host: h.example');
    return `${method} ${t} HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n${b.bytes}`;
  });

/** A valid answer to GET. */
export const answer = fc
  .record({
    status: fc.constantFrom('200 OK', '404 Not Found', '204 No Content', '304 Not Modified', '299 ', '500 X'),
    fields: fc.array(
      fc.constantFrom(
        'X-A: 1',
        'Set-Cookie: a=b',
        'Connection: keep-alive',
        'Connection: close',
        'Keep-Alive: timeout=5',
        'X-Latin: \xe9',
        'Trailer: X-T',
        'Date: x',
      ),
      { maxLength: 4 },
    ),
    body,
  })
  .map(({ status, fields, body: b }) => {
    const bodiless = /^(204|304)/.test(status);
    const all = [...fields, ...(b.field === '' ? (bodiless ? [] : ['Content-Length: 0']) : [b.field])];
    return `HTTP/1.1 ${status}\r\n${all.join('\r\n')}\r\n\r\n${bodiless ? '' : b.bytes}`.replace(
      '\r\n\r\n\r\n',
      '\r\n\r\n',
    );
  });

const nastyBytes = fc.constantFrom(
  '\0',
  '\r',
  '\n',
  '\r\n',
  '\t',
  ' ',
  '\x0b',
  '\x0c',
  '\x7f',
  '\x80',
  '\xff',
  ':',
  ';',
  ',',
  '"',
  '_',
  '-',
  '+',
  '0',
  '0x',
  'F',
  '\r\n ',
  '\r\n\r\n',
  '\n\n',
  '%',
  '#',
  '\\',
  '@',
  '*',
);
const nastyLines = fc.constantFrom(
  'Content-Length: 5',
  'Content-Length: 0',
  'Content-Length: 3, 3',
  'Content-Length: +5',
  'Content-Length : 5',
  'Content_Length: 5',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding:',
  'Transfer-Encoding: \x0bchunked',
  'transfer-encoding : chunked',
  ' Transfer-Encoding: chunked',
  'Transfer_Encoding: chunked',
  'Host: other.example',
  'Host:',
  'Connection: Host, Content-Length, Transfer-Encoding',
  'Connection: close',
  'Expect: 100-continue',
  'Upgrade: websocket\r\nConnection: Upgrade',
  ': empty',
  'no colon',
  'X: a\r\n folded',
  'HTTP/1.1 200 OK',
  'GET /smuggled HTTP/1.1',
);

type Crime = { kind: 'insert' | 'delete' | 'replace' | 'line' | 'double' | 'cut'; at: number; text: string };

/** Where (0 to 1 of the message's length, favouring the head), and what. */
export const crime: fc.Arbitrary<Crime> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('insert' as const, 'replace' as const),
    at: fc.double({ min: 0, max: 0.999, noNaN: true }),
    text: nastyBytes,
  }),
  fc.record({
    kind: fc.constant('line' as const),
    at: fc.double({ min: 0, max: 0.999, noNaN: true }),
    text: nastyLines,
  }),
  fc.record({
    kind: fc.constantFrom('delete' as const, 'double' as const, 'cut' as const),
    at: fc.double({ min: 0, max: 0.999, noNaN: true }),
    text: fc.constant(''),
  }),
);

export function commit(message: string, { kind, at, text }: Crime): string {
  const n = Math.floor(at * message.length);
  if (kind === 'insert') return message.slice(0, n) + text + message.slice(n);
  if (kind === 'replace') return message.slice(0, n) + text + message.slice(n + 1);
  if (kind === 'delete') return message.slice(0, n) + message.slice(n + 1);
  if (kind === 'cut') return message.slice(0, n);
  const headEnd = message.indexOf('\r\n\r\n');
  const lines = message.slice(0, headEnd < 0 ? message.length : headEnd).split('\r\n');
  const rest = headEnd < 0 ? '' : message.slice(headEnd);
  const index = 1 + Math.floor(at * lines.length);
  if (kind === 'line') lines.splice(index, 0, text);
  else lines.splice(index, 0, lines[Math.min(index, lines.length - 1)]!);
  return lines.join('\r\n') + rest;
}

/** Cuts a stream into the segments it is sent in. */
export function pieces(stream: string, cuts: readonly number[]): string[] {
  const at = [...new Set(cuts.map((cut) => Math.floor(cut * stream.length)))].sort((a, b) => a - b);
  const out: string[] = [];
  let from = 0;
  for (const to of [...at, stream.length]) {
    if (to > from) out.push(stream.slice(from, to));
    from = to;
  }
  return out;
}

export const cuts = fc.oneof(
  fc.constant([] as number[]),
  fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }),
);

/** One to three requests, most of them with up to two crimes. */
export const stream = fc
  .array(fc.tuple(request, fc.array(crime, { maxLength: 2 })), { minLength: 1, maxLength: 3 })
  .map((messages) => messages.map(([message, crimes]) => crimes.reduce(commit, message)).join(''));

export const hostileAnswer = fc
  .tuple(answer, fc.array(crime, { maxLength: 2 }))
  .map(([message, crimes]) => crimes.reduce(commit, message));
