import type { Exchange } from './exchanges.ts';
import type { Observation } from './observe.ts';

/** A fact that differs between the two. */
export interface Difference {
  /** As observe.ts names it: `pod field via`, `client framing`. */
  readonly key: string;
  readonly httpProxy: string | undefined;
  readonly headroute: string | undefined;
  readonly exchange: Exchange;
}

export interface DifferenceClass {
  readonly title: string;
  readonly httpProxy: string;
  readonly headroute: string;
  readonly reason: string;
  readonly is: (difference: Difference) => boolean;
}

const key =
  (...keys: (string | RegExp)[]) =>
  ({ key: k }: Difference): boolean =>
    keys.some((one) => (typeof one === 'string' ? one === k : one.test(k)));

const named =
  (pattern: RegExp) =>
  (d: Difference): boolean =>
    pattern.test(d.exchange.name);
const both =
  (...all: ((d: Difference) => boolean)[]) =>
  (d: Difference): boolean =>
    all.every((one) => one(d));

/** The first class that fits counts. Rows of docs/differences-from-http-proxy.md. */
export const CLASSES: readonly DifferenceClass[] = [
  {
    title: 'A Trailer field on a message that is not chunked',
    httpProxy:
      'the process ends (ERR_HTTP_TRAILER_INVALID, uncaught); so it does on a chunked DELETE or OPTIONS with one',
    headroute: 'the field is removed; a chunked message keeps it',
    reason: 'nodejs/node#41562, http-proxy-middleware#1249',
    is: both(
      named(/^(DELETE|OPTIONS), chunked with a trailer|Trailer alone/),
      key('the process', /^(pod|client) /),
    ),
  },
  {
    title: 'DELETE or OPTIONS with a chunked body',
    httpProxy:
      'Content-Length: 0 is set, Transfer-Encoding removed, and the body sent all the same: the Pod reads it as the next request',
    headroute: 'framed as the client framed it',
    reason: 'request smuggling; RFC 9112 section 6',
    is: both(named(/^(DELETE|OPTIONS), chunked/), key(/^(pod|client) /)),
  },
  {
    title: 'A request without a body, other than GET and HEAD',
    httpProxy: 'gets Content-Length: 0',
    headroute: 'gets no framing field',
    reason: 'http-party/node-http-proxy#960; SPEC: nothing is made up',
    is: both(named(/no body|OPTIONS \*/), key('pod field content-length', 'pod framing', 'pod body')),
  },
  {
    title: 'A client that leaves',
    httpProxy: 'the request to the Pod goes on',
    headroute: 'the request to the Pod is cancelled at once',
    reason: 'a Pod must not work for nobody; 20 of 20 stayed open with http-proxy',
    is: key('pod connection after the client left'),
  },
  {
    title: 'An answer that the Pod cuts',
    httpProxy: 'the client waits for the rest for ever',
    headroute: 'the client’s connection is closed: visibly incomplete',
    reason: 'RFC 9112 section 8',
    is: both(named(/Pod cuts/), key(/^client /)),
  },
  {
    title: 'An answer that is no HTTP, or none',
    httpProxy: 'an `error` event; without a listener the process ends',
    headroute: '502 as application/problem+json with X-Headroute-Failure and X-Headroute-Sent',
    reason: 'a client can tell whose error it is and whether it may send again (RFC 9457)',
    is: both(named(/garbage|closes without/), key(/^client /)),
  },
  {
    title: 'Via',
    httpProxy: 'not added',
    headroute: 'appended to requests and answers; an own name in it is a loop (508)',
    reason: 'RFC 9110 section 7.6.3',
    is: key('pod field via', 'client field via'),
  },
  {
    title: 'X-Forwarded-Port',
    httpProxy: 'added with xfwd: true, guessed from Host',
    headroute: 'not added; what the client sent passes',
    reason: 'X-Forwarded-Host carries the port where there is one',
    is: key('pod field x-forwarded-port'),
  },
  {
    title: 'X-Forwarded-For, -Proto and -Host that were there',
    httpProxy: 'joined by a comma without a space; -Host kept as it was',
    headroute: 'appended, joined by a comma and a space',
    reason: 'the list syntax of RFC 9110 section 5.6.1',
    is: key(/^pod field x-forwarded-(for|proto|host)$/),
  },
  {
    title: 'Hop-by-hop fields of a request',
    httpProxy:
      'Connection, Keep-Alive, Proxy-Connection, Proxy-Authorization, TE, Upgrade and those named by Connection are passed to the Pod',
    headroute: 'end here; TE: trailers alone may pass, Upgrade only with an upgrade',
    reason: 'RFC 9110 section 7.6.1',
    is: key(
      /^pod field (connection|keep-alive|proxy-connection|proxy-authorization|te|upgrade|http2-settings|x-nom)$/,
    ),
  },
  {
    title: 'Hop-by-hop fields of an answer',
    httpProxy: 'Keep-Alive and fields named by Connection reach the client; Connection: keep-alive is added',
    headroute: 'end here; Connection: close only where the connection closes',
    reason: 'RFC 9110 section 7.6.1',
    is: key(/^client field (connection|keep-alive|x-secret)$/),
  },
  {
    title: 'Connection: close from the Pod',
    httpProxy: 'closes the client’s connection, too',
    headroute: 'ends the connection to the Pod only',
    reason: 'Connection is about one connection (RFC 9110 section 7.6.1)',
    is: both(
      named(/^answer: (Connection: close|HTTP\/1\.0|until the end)/),
      key('client connection', 'client framing', 'client field transfer-encoding'),
    ),
  },
  {
    title: 'Upgrade: h2c',
    httpProxy: 'taken for a WebSocket; the answer is passed through raw',
    headroute: 'stripped; the request is answered as HTTP/1.1',
    reason: 'an h2c tunnel would pass requests unseen (haproxy protocol_upgrade.vtc)',
    is: named(/h2c/),
  },
  {
    title: 'A refused upgrade',
    httpProxy: 'the answer is written by hand, then the connection is of no use',
    headroute: 'an ordinary answer; the connection is kept',
    reason: 'RFC 9110 section 7.8',
    is: both(named(/upgrade refused/), key(/^client /)),
  },
  {
    title: 'Order and case of fields',
    httpProxy: 'lower case, forwarded fields first, Host last; answers in lower case',
    headroute: 'as they came, own fields after them',
    reason: 'old clients and signatures depend on it; SPEC 3',
    is: key('pod names', 'client names'),
  },
  {
    title: 'Fields that came twice',
    httpProxy: 'joined into one line, or all but the first dropped',
    headroute: 'passed as they came',
    reason: 'only Node’s `req.headers` joins; RFC 9110 section 5.3 lets a proxy keep the lines',
    is: both(named(/twice|two Cookie|joins or drops|Node drops/), key(/ field /)),
  },
  {
    title: 'Targets',
    httpProxy: 'parsed and written again: some bytes are percent-encoded, backslashes turned',
    headroute: 'passed byte for byte',
    reason: 'SPEC 3: the request target is kept',
    is: both(named(/^target /), key('pod line')),
  },
  {
    title: 'Absolute-form',
    httpProxy: 'Host stays what the client sent',
    headroute: 'the authority of the target becomes Host',
    reason: 'RFC 9112 section 3.2.2',
    is: both(named(/^absolute-form/), key('pod field host', 'pod field x-forwarded-host')),
  },
  {
    title: 'Interim answers (103)',
    httpProxy: 'dropped',
    headroute: 'relayed',
    reason: 'RFC 9110 section 15.2',
    is: both(named(/early hints/), key('client interim')),
  },
  {
    title: 'Expect: 100-continue',
    httpProxy: 'answered by Node itself, then passed on as well',
    headroute: 'passed to the Pod; 100 comes from the Pod',
    reason: 'RFC 9110 section 10.1.1: end to end',
    is: named(/100-continue/),
  },
  {
    title: 'Trailers',
    httpProxy: 'dropped both ways',
    headroute: 'kept, but those that frame, route or authenticate',
    reason: 'RFC 9110 section 6.5',
    is: key('pod trailers', 'client trailers'),
  },
  {
    title: 'Date',
    httpProxy: 'added where the Pod sent none',
    headroute: 'not added',
    reason:
      'an answer passes as the Pod gave it, as through HAProxy; RFC 9110 section 6.6.1 would have a Date appended',
    is: key('client field date'),
  },
  {
    title: 'An empty reason phrase',
    httpProxy: 'replaced by Node’s own',
    headroute: 'kept empty',
    reason: 'the answer stays the Pod’s',
    is: both(named(/reason/), key('client line')),
  },
  {
    title: 'A malformed traceparent',
    httpProxy: 'passed on',
    headroute: 'dropped with its tracestate',
    reason: 'W3C Trace Context section 3.2.2',
    is: both(named(/malformed traceparent/), key(/^pod field trace/)),
  },
  {
    title: 'Forwarded',
    httpProxy: 'passed on, contradicting X-Forwarded-For',
    headroute: 'does not contradict it',
    reason: 'RFC 7239; case H04',
    is: both(named(/Forwarded/), key('pod field forwarded')),
  },
];

export function differencesOf(
  exchange: Exchange,
  httpProxy: Observation,
  headroute: Observation,
): Difference[] {
  return [...new Set([...Object.keys(httpProxy), ...Object.keys(headroute)])]
    .filter((k) => httpProxy[k] !== headroute[k])
    .map((k) => ({ key: k, httpProxy: httpProxy[k], headroute: headroute[k], exchange }));
}

/** The page that the test holds against the classes. */
export function page(exchanges: number): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  return `# What changes for somebody who comes from http-proxy

The same client sends the same ${exchanges} ordinary exchanges to the same Pod, once through http-proxy 1.18.1 (with \`xfwd: true\`, a keep-alive
agent and an \`error\` listener) and once through headroute; the bytes on both wires are compared. Everything that differs
falls into one of these classes; all else is equal. \`test/differential/\` makes the comparison and holds this page
against it.

| what | http-proxy | headroute | why |
|---|---|---|---|
${CLASSES.map((c) => `| ${[c.title, c.httpProxy, c.headroute, c.reason].map(cell).join(' | ')} |`).join('\n')}
`;
}
