/**
 * Fields that belong to one connection end there; all else passes in order and case.
 *
 * Story: measured, http-proxy-3, httpxy, HAProxy, nginx and Caddy all pass a response field named by `Connection: close,
 * X-Secret`; only Caddy strips the request's Keep-Alive, Proxy-Connection and TE.
 * Sources: RFC 9110 sections 7.6.1, 7.6.2, 10.1.4; linkerd http1_removes_connection_headers; haproxy
 * http_transfer_encoding.vtc; RFC 6265 section 3; SPEC 3 Forwarding. Case ids H01, H02, H07, H08.
 */
import { describe, expect, it } from 'vitest';
import { fieldValues } from '../helpers/raw-pod.ts';
import { expectProblem, expectUnharmed, lines, scene } from '../helpers/scene.ts';
import { fieldNames, value, values } from '../helpers/wire.ts';
import { passedOn } from './passed-on.ts';

describe('H01 fields named by Connection', () => {
  it.each([
    ['alone', ['Connection: X-Nom', 'X-Nom: 1']],
    ['beside close', ['Connection: close, X-Nom', 'X-Nom: 1']],
    ['beside keep-alive, other case', ['connection: keep-alive,x-NOM', 'X-Nom: 1']],
    ['the field comes first', ['X-Nom: 1', 'Connection: X-Nom']],
    ['two Connection fields', ['Connection: X-Other', 'X-Nom: 1', 'Connection: X-Nom']],
    ['several lines of the field', ['X-Nom: 1', 'Connection: X-Nom', 'X-Nom: 2']],
    ['empty list members', ['Connection: ,, X-Nom ,', 'X-Nom: 1']],
    ['tabs around', ['Connection:\tX-Nom\t', 'X-Nom: 1']],
  ])('request, %s: removed', async (_, fields) => {
    const request = await passedOn(
      await scene(),
      lines('GET /h HTTP/1.1', 'Host: a', ...fields, 'X-Kept: yes'),
    );
    expect(fieldNames(request)).not.toContain('x-nom');
    expect(fieldValues(request, 'x-kept')).toEqual(['yes']);
    expect(fieldValues(request, 'connection').join()).not.toMatch(/nom/i);
  });

  it.each([
    ['alone', 'Connection: X-Secret\r\nX-Secret: 1\r\n'],
    ['beside close', 'Connection: close, X-Secret\r\nX-Secret: 1\r\n'],
    ['the field comes first', 'X-Secret: 1\r\nConnection: X-Secret\r\n'],
    ['other case, twice', 'x-secret: 1\r\nConnection: keep-alive\r\nConnection: X-SECRET\r\nX-Secret: 2\r\n'],
  ])('response, %s: removed', async (_, fields) => {
    const { client: dial } = await scene({
      scripts: [
        { onRequest: (c, r) => c.answer(r.target, r, r.target === '/s' ? `${fields}X-Kept: yes\r\n` : '') },
      ],
    });
    const client = await dial();
    const answer = await client.exchange(lines('GET /s HTTP/1.1', 'Host: a'));
    expect(fieldNames(answer)).not.toContain('x-secret');
    expect(value(answer, 'x-kept')).toBe('yes');
    expect(values(answer, 'connection').join()).not.toMatch(/secret/i);
    await expectUnharmed(client);
  });

  it('what frames, routes or protects a request stays although named', async () => {
    const stage = await scene();
    const client = await stage.client();
    const named =
      'Host, Content-Length, Authorization, Via, X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto';
    const answer = await client.exchange(
      `${lines(
        'POST /named HTTP/1.1',
        'Host: a',
        `Connection: ${named}`,
        'Authorization: Basic eDp5',
        'Content-Length: 5',
        'X-Forwarded-For: 6.6.6.6',
      )}hello`,
    );
    expect(answer.status).toBe(200);
    const request = stage.pod.requests[0]!;
    expect(request.body.toString()).toBe('hello');
    expect(fieldValues(request, 'host')).toEqual(['a']);
    expect(fieldValues(request, 'authorization')).toEqual(['Basic eDp5']);
    expect(fieldValues(request, 'x-forwarded-for').join(', ')).toBe('6.6.6.6, 127.0.0.1');
    expect(stage.pod.violations).toEqual([]);
    await expectUnharmed(client);
  });

  it.each(['X-Forwarded-Port', 'X-Forwarded-Prefix', 'x-forwarded-for', 'X-Forwarded-Client-Cert'])(
    '%s stays although named',
    async (name) => {
      const request = await passedOn(
        await scene(),
        lines('GET /h HTTP/1.1', 'Host: a', `Connection: ${name}`, `${name}: mark`),
      );
      expect(fieldValues(request, name).join()).toMatch(/^mark/);
    },
  );

  it('Transfer-Encoding named by Connection still frames the body', async () => {
    const stage = await scene();
    const client = await stage.client();
    const head = lines(
      'POST /te HTTP/1.1',
      'Host: a',
      'Connection: Transfer-Encoding',
      'Transfer-Encoding: chunked',
    );
    expect((await client.exchange(`${head}5\r\nhello\r\n0\r\n\r\n`)).status).toBe(200);
    expect(stage.pod.requests[0]!.body.toString()).toBe('hello');
    await expectUnharmed(client);
  });
});

describe('H02 hop-by-hop fields', () => {
  it('are removed from requests; of TE only trailers may survive', async () => {
    const request = await passedOn(
      await scene(),
      lines(
        'GET /h HTTP/1.1',
        'Host: a',
        'Keep-Alive: timeout=5',
        'Proxy-Connection: keep-alive',
        'Proxy-Authorization: Basic eDp5',
        'Upgrade: websocket',
        'TE: trailers, gzip;q=0.5',
        'Connection: TE',
        'X-Kept: yes',
      ),
    );
    for (const name of ['keep-alive', 'proxy-connection', 'proxy-authorization', 'upgrade'])
      expect(fieldNames(request)).not.toContain(name);
    expect(['', 'trailers']).toContain(fieldValues(request, 'te').join());
    expect(fieldValues(request, 'x-kept')).toEqual(['yes']);
  });

  it('are removed from responses', async () => {
    const extra =
      'Keep-Alive: timeout=30\r\nProxy-Connection: x\r\nProxy-Authenticate: Basic\r\nConnection: keep-alive\r\nX-Kept: yes\r\n';
    const { client: dial } = await scene({
      scripts: [{ onRequest: (c, r) => c.answer(r.target, r, extra) }],
    });
    const client = await dial();
    const answer = await client.exchange(lines('GET /h HTTP/1.1', 'Host: a'));
    expect(fieldNames(answer)).not.toContain('keep-alive');
    expect(fieldNames(answer)).not.toContain('proxy-connection');
    expect(value(answer, 'x-kept')).toBe('yes');
    await expectUnharmed(client);
  });
});

describe('H07 Max-Forwards and TRACE', () => {
  it('OPTIONS with Max-Forwards: 0 is answered here', async () => {
    const { pod, client: dial } = await scene();
    const client = await dial();
    const answer = await client.exchange(lines('OPTIONS /x HTTP/1.1', 'Host: a', 'Max-Forwards: 0'));
    expect(answer.status).toBe(200);
    expect(value(answer, 'allow')).toBe('GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS');
    expect(pod.total).toBe(0);
    await expectUnharmed(client);
  });

  it('TRACE with Max-Forwards: 0: 405, nothing forwarded', async () => {
    const { pod, client: dial } = await scene();
    const client = await dial();
    const answer = await client.exchange(lines('TRACE /x HTTP/1.1', 'Host: a', 'Max-Forwards: 0'));
    expectProblem(answer, 'method_not_allowed', false);
    expect(value(answer, 'allow')).toBe('GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS');
    expect(pod.total).toBe(0);
  });

  it.each(['OPTIONS', 'TRACE'])('%s with Max-Forwards: 5 goes on with 4', async (method) => {
    const { pod, client: dial } = await scene();
    const client = await dial();
    await client.exchange(lines(`${method} /x HTTP/1.1`, 'Host: a', 'Max-Forwards: 5'));
    expect(pod.requests.map((request) => fieldValues(request, 'max-forwards'))).toEqual([['4']]);
  });

  it.each([
    ['text', ['Max-Forwards: abc']],
    ['empty', ['Max-Forwards:']],
    ['negative', ['Max-Forwards: -1']],
    ['beyond a double', [`Max-Forwards: ${'9'.repeat(30)}`]],
    ['a list', ['Max-Forwards: 3, 4']],
    ['twice', ['Max-Forwards: 3', 'Max-Forwards: 0']],
  ])('a malformed Max-Forwards, %s: refused', async (_, fields) => {
    const { pod, client: dial } = await scene();
    const client = await dial();
    const answer = await client.exchange(lines('OPTIONS /x HTTP/1.1', 'Host: a', ...fields));
    expectProblem(answer, 'bad_request', false);
    expect(pod.total).toBe(0);
  });

  it('other methods: Max-Forwards is only a field', async () => {
    const request = await passedOn(await scene(), lines('GET /x HTTP/1.1', 'Host: a', 'Max-Forwards: 0'));
    expect(fieldValues(request, 'max-forwards')).toEqual(['0']);
  });

  it.each(['Authorization: Basic eDp5', 'Cookie: s=1', 'Proxy-Authorization: x', 'Content-Length: 5'])(
    'TRACE with %s is refused: its echo would show it',
    async (field) => {
      const { pod, client: dial } = await scene();
      const client = await dial();
      const answer = await client.exchange(`${lines('TRACE /x HTTP/1.1', 'Host: a', field)}hello`);
      expectProblem(answer, 'bad_request', false);
      expect(pod.total).toBe(0);
    },
  );
});

describe('H08 everything else passes in order and case', () => {
  it('response fields: two Set-Cookie, odd case, empty values, latin1', async () => {
    const extra =
      'Set-Cookie: a=1; Path=/\r\nX-oDD-cASE: x\r\nSET-COOKIE: b=2\r\nX-Empty:\r\nX-Latin: caf\xe9\r\n';
    const { client: dial } = await scene({
      scripts: [{ onRequest: (c, r) => c.answer(r.target, r, extra) }],
    });
    const client = await dial();
    const answer = await client.exchange(lines('GET /c HTTP/1.1', 'Host: a'));
    expect(values(answer, 'set-cookie')).toEqual(['a=1; Path=/', 'b=2']);
    expect(answer.fields.map(([n]) => n).filter((n) => /odd|cookie/i.test(n))).toEqual([
      'Set-Cookie',
      'X-oDD-cASE',
      'SET-COOKIE',
    ]);
    expect(value(answer, 'x-empty')).toBe('');
    expect(value(answer, 'x-latin')).toBe('caf\xe9');
    await expectUnharmed(client);
  });

  it('request fields: order, case, duplicates, empty values, UTF-8 and quotes', async () => {
    const sent: [string, string][] = [
      ['aCCept', '*/*'],
      ['X-B', '2'],
      ['X-A', '1'],
      ['Cookie', 'a=1'],
      ['X-b', '3'],
      ['Cookie', 'b=2'],
      ['X-Empty', ''],
      ['X-Utf8', Buffer.from('grüße').toString('latin1')],
      ['X-Quoted', '"a, b\\"c"'],
      ['X_Under', 'kept'],
    ];
    const request = await passedOn(
      await scene(),
      lines('GET /h HTTP/1.1', 'Host: a', ...sent.map(([n, v]) => `${n}: ${v}`)),
    );
    const own = /^(host|via|connection|x-forwarded-.*)$/i;
    expect(request.fields.filter(([n]) => !own.test(n))).toEqual(sent);
  });
});
