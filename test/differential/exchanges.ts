import type { PodConnection, PodRequest } from '../helpers/raw-pod.ts';

/** One ordinary exchange: what the client says, what the Pod answers. Text is latin1. */
export interface Exchange {
  readonly name: string;
  readonly method: string;
  readonly request: string;
  readonly reply: (connection: PodConnection, request: PodRequest) => void;
  /** What the client does once the Pod has the request (or its answer's head is there). */
  readonly leave?: 'before the answer' | 'during the answer';
  /** Bytes through the tunnel after a 101, echoed by the Pod. */
  readonly tunnel?: string;
}

const LARGE = 'L'.repeat(70_000);

/** Request bodies: the fields that frame them, and the bytes. */
const REQUEST_BODIES: Record<string, { fields: string[]; bytes: string }> = {
  'no body': { fields: [], bytes: '' },
  'Content-Length 0': { fields: ['Content-Length: 0'], bytes: '' },
  'five bytes': { fields: ['Content-Type: text/plain', 'Content-Length: 5'], bytes: 'hello' },
  '70 kB': { fields: ['Content-Length: 70000'], bytes: LARGE },
  chunked: { fields: ['Transfer-Encoding: chunked'], bytes: '5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n' },
  'chunked with a trailer': {
    fields: ['Trailer: X-Sum', 'Transfer-Encoding: chunked'],
    bytes: '5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n',
  },
};

const ANSWERS: Record<string, string> = {
  'Content-Length':
    'HTTP/1.1 200 OK\r\nDate: Wed, 25 Nov 2026 12:00:00 GMT\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello',
  chunked:
    'HTTP/1.1 200 OK\r\nDate: Wed, 25 Nov 2026 12:00:00 GMT\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  '404 with a body':
    'HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
  '204': 'HTTP/1.1 204 No Content\r\nETag: "x"\r\n\r\n',
  '70 kB': `HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n${LARGE}`,
};

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'];

function bodiless(method: string, answer: string): string {
  return method === 'HEAD' ? answer.slice(0, answer.indexOf('\r\n\r\n') + 4) : answer;
}

function ask(
  method: string,
  target: string,
  fields: readonly string[] = [],
  body = '',
  version = 'HTTP/1.1',
): string {
  return `${method} ${target} ${version}\r\nHost: front.example\r\n${fields.map((f) => `${f}\r\n`).join('')}\r\n${body}`;
}

const write =
  (answer: string): Exchange['reply'] =>
  (c) =>
    c.write(answer);
const HELLO = ANSWERS['Content-Length']!;

/** Methods × request bodies × answers. */
const grid: Exchange[] = METHODS.flatMap((method) =>
  Object.entries(REQUEST_BODIES).flatMap(([body, { fields, bytes }]) =>
    Object.entries(ANSWERS).map(([answer, text]) => ({
      name: `${method}, ${body}, answered ${answer}`,
      method,
      request: ask(method, '/grid?a=b', fields, bytes),
      reply: write(bodiless(method, text)),
    })),
  ),
);

const get = (name: string, fields: readonly string[], reply = write(HELLO), target = '/x'): Exchange => ({
  name,
  method: 'GET',
  request: ask('GET', target, fields),
  reply,
});
const answered = (name: string, answer: string): Exchange => get(name, [], write(answer));

const TARGETS = [
  '/',
  '/?',
  '/?a=1&b=2&a=3',
  '/a//b',
  '/a/../b',
  '/a/./b',
  '/%2e%2e/',
  '/a%20b',
  '/%C3%A9',
  '/a;b=c',
  '/a+b',
  "/it's",
  '/(x)',
  '/a|b',
  '/{x}',
  '/x^y',
  '/a"b',
  '/<x>',
  '/a`b',
  '//host/x',
  '/:80',
  '/@',
  `/${'a'.repeat(4000)}`,
  '/a?b#',
  '/a?b=%zz',
  '/a?u=http://x/y?z',
  '/\\a\\b',
  '/a?b\\c',
].filter((t) => !t.includes('#'));

const REQUEST_FIELDS: Record<string, string[]> = {
  cookies: ['Cookie: a=1; b=2'],
  'two Cookie lines': ['Cookie: a=1', 'Cookie: b=2'],
  'odd case': ['aCCept: */*', 'X-REQUEST-ID: 7'],
  'the same field twice': ['X-Many: 1', 'X-Many: 2'],
  'a field that Node joins or drops': ['User-Agent: one', 'User-Agent: two'],
  'an empty value': ['X-Empty:'],
  'a latin1 value': ['X-Latin: caf\xe9'],
  'a UTF-8 value': [`X-Utf8: ${Buffer.from('grüße').toString('latin1')}`],
  authorization: ['Authorization: Bearer abc'],
  conditional: ['If-None-Match: "x"', 'If-Modified-Since: Wed, 25 Nov 2026 12:00:00 GMT'],
  range: ['Range: bytes=0-4'],
  'accept encodings': ['Accept-Encoding: gzip, br'],
  'X-Forwarded-For': ['X-Forwarded-For: 6.6.6.6'],
  'two X-Forwarded-For': ['X-Forwarded-For: 6.6.6.6', 'X-Forwarded-For: 7.7.7.7'],
  'X-Forwarded-Proto': ['X-Forwarded-Proto: https'],
  'X-Forwarded-Host': ['X-Forwarded-Host: outer.example'],
  Via: ['Via: 1.1 outer'],
  Forwarded: ['Forwarded: for=6.6.6.6'],
  'Connection: keep-alive': ['Connection: keep-alive'],
  'Connection: close': ['Connection: close'],
  'Connection names a field': ['Connection: X-Nom', 'X-Nom: 1'],
  'Keep-Alive': ['Keep-Alive: timeout=5'],
  'TE: trailers': ['TE: trailers', 'Connection: TE'],
  'TE: gzip': ['TE: gzip'],
  'Proxy-Authorization': ['Proxy-Authorization: Basic eDp5'],
  'Proxy-Connection': ['Proxy-Connection: keep-alive'],
  'Upgrade: h2c': ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'],
  traceparent: ['traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'tracestate: a=1'],
  'malformed traceparent': ['traceparent: nonsense', 'tracestate: a=1'],
  'forty fields': Array.from({ length: 40 }, (_, n) => `X-${n}: ${n}`),
  '8 kB in a field': [`X-Large: ${'v'.repeat(8000)}`],
};

const OTHER_ANSWERS: Record<string, string> = {
  'two Set-Cookie': `HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n`,
  'odd case': 'HTTP/1.1 200 OK\r\nX-oDD: 1\r\ncontent-LENGTH: 2\r\n\r\nok',
  'the same field twice': 'HTTP/1.1 200 OK\r\nVary: a\r\nVary: b\r\nContent-Length: 2\r\n\r\nok',
  'a field that Node drops': 'HTTP/1.1 200 OK\r\nAge: 1\r\nAge: 2\r\nContent-Length: 2\r\n\r\nok',
  'own reason': 'HTTP/1.1 200 Fine by me\r\nContent-Length: 2\r\n\r\nok',
  'no reason': 'HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok',
  'status 299': 'HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\nok',
  redirect: 'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/other\r\nContent-Length: 0\r\n\r\n',
  '304': 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 77\r\n\r\n',
  'gzip body': `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n\x1f\x8b\x08\x00\x00`,
  'until the end': 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end',
  'Connection: close': 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok',
  'Connection names a field':
    'HTTP/1.1 200 OK\r\nConnection: X-Secret\r\nX-Secret: 1\r\nContent-Length: 2\r\n\r\nok',
  'Keep-Alive':
    'HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=30\r\nContent-Length: 2\r\n\r\nok',
  'chunked with a trailer':
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n',
  'a chunk extension': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n',
  'HTTP/1.0': 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'early hints':
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'a latin1 value': 'HTTP/1.1 200 OK\r\nX-Latin: caf\xe9\r\nContent-Length: 2\r\n\r\nok',
  'no Date': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  '500': 'HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops',
  '401': 'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n',
  'Content-Range':
    'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/5\r\nContent-Length: 2\r\n\r\nhe',
  'an empty chunked body': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
};

const SWITCH =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n';
const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Key: x',
  'Sec-WebSocket-Version: 13',
];

const special: Exchange[] = [
  ...TARGETS.map((target) => get(`target ${target.slice(0, 30)}`, [], write(HELLO), target)),
  ...Object.entries(REQUEST_FIELDS).map(([name, fields]) => get(`request field: ${name}`, fields)),
  ...Object.entries(OTHER_ANSWERS).map(([name, answer]) => answered(`answer: ${name}`, answer)),
  get('request: Trailer alone', ['Trailer: X-T']),
  answered('answer: Trailer alone', 'HTTP/1.1 200 OK\r\nTrailer: X-T\r\nContent-Length: 2\r\n\r\nok'),
  get('absolute-form', [], write(HELLO), 'http://other.example/abs?q'),
  { name: 'OPTIONS *', method: 'OPTIONS', request: ask('OPTIONS', '*'), reply: write(HELLO) },
  { name: 'HTTP/1.0', method: 'GET', request: ask('GET', '/old', [], '', 'HTTP/1.0'), reply: write(HELLO) },
  {
    name: 'HTTP/1.0 keep-alive',
    method: 'GET',
    request: ask('GET', '/old', ['Connection: keep-alive'], '', 'HTTP/1.0'),
    reply: write(HELLO),
  },
  {
    name: 'HTTP/1.0, chunked answer',
    method: 'GET',
    request: ask('GET', '/old', [], '', 'HTTP/1.0'),
    reply: write(ANSWERS.chunked!),
  },
  {
    name: 'Expect: 100-continue',
    method: 'POST',
    request: ask('POST', '/e', ['Content-Length: 5', 'Expect: 100-continue'], 'hello'),
    reply: write(HELLO),
  },
  {
    name: 'server-sent events',
    method: 'GET',
    request: ask('GET', '/events'),
    reply: write(
      'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n',
    ),
  },
  {
    name: 'upgrade',
    method: 'GET',
    request: ask('GET', '/ws', UPGRADE),
    reply: write(SWITCH),
    tunnel: 'ping',
  },
  {
    name: 'upgrade refused',
    method: 'GET',
    request: ask('GET', '/ws', UPGRADE),
    reply: write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'),
  },
  {
    name: 'the client leaves before the answer',
    method: 'GET',
    request: ask('GET', '/leave'),
    reply: () => {},
    leave: 'before the answer',
  },
  {
    name: 'the client leaves during the answer',
    method: 'GET',
    request: ask('GET', '/leave'),
    reply: write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nsome'),
    leave: 'during the answer',
  },
  {
    name: 'the Pod closes without an answer',
    method: 'POST',
    request: ask('POST', '/die', ['Content-Length: 2'], 'hi'),
    reply: (c) => c.end(),
  },
  {
    name: 'the Pod cuts its answer',
    method: 'GET',
    request: ask('GET', '/cut'),
    reply: (c) => c.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort'),
  },
  {
    name: 'the Pod cuts a chunked answer',
    method: 'GET',
    request: ask('GET', '/cut'),
    reply: (c) => c.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'),
  },
  {
    name: 'the Pod answers garbage',
    method: 'GET',
    request: ask('GET', '/bad'),
    reply: write('not HTTP at all\r\n\r\n'),
  },
];

export const EXCHANGES: readonly Exchange[] = [...grid, ...special].map((exchange) =>
  // Its body ends with the connection.
  exchange.name === 'answer: until the end'
    ? {
        ...exchange,
        reply: (c, r) => {
          exchange.reply(c, r);
          c.end();
        },
      }
    : exchange,
);
