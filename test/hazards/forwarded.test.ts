/**
 * What a request says about its way here: X-Forwarded-*, Forwarded, Via, traceparent; and the debug headers of an answer.
 *
 * Story: two code paths that both wrote X-Forwarded-For once doubled a CRLF in an experiment of this project (DESIGN.md,
 * traps); two sidecars in a row are taken for a loop where both use one name in Via.
 * Sources: RFC 9110 section 7.6.3; RFC 7239; W3C Trace Context; haproxy ifnone-forwardfor.vtc, forwarded-header-7239.vtc;
 * caddy headers_test.go; SPEC 3 Forwarding. Case ids H04, H05.
 */
import { describe, expect, it } from 'vitest';
import { fieldValues } from '../helpers/raw-pod.ts';
import { expectProblem, lines, scene } from '../helpers/scene.ts';
import { fieldNames, value, values } from '../helpers/wire.ts';
import { passedOn } from './passed-on.ts';

describe('H04 X-Forwarded-*', () => {
  it('are added once where there were none', async () => {
    const request = await passedOn(await scene(), lines('GET /h HTTP/1.1', 'Host: front.example:81'));
    expect(fieldValues(request, 'x-forwarded-for')).toEqual(['127.0.0.1']);
    expect(fieldValues(request, 'x-forwarded-proto')).toEqual(['http']);
    expect(fieldValues(request, 'x-forwarded-host')).toEqual(['front.example:81']);
  });

  it('are appended to what the client sent, several lines in order', async () => {
    const request = await passedOn(
      await scene(),
      lines(
        'GET /h HTTP/1.1',
        'Host: a',
        'X-Forwarded-For: 6.6.6.6',
        'Accept: */*',
        'x-forwarded-for: 7.7.7.7, 8.8.8.8',
      ),
    );
    expect(fieldValues(request, 'x-forwarded-for').join(', ')).toBe('6.6.6.6, 7.7.7.7, 8.8.8.8, 127.0.0.1');
  });

  it('Forwarded does not contradict: absent, or naming the same hops', async () => {
    const request = await passedOn(
      await scene(),
      lines('GET /h HTTP/1.1', 'Host: a', 'Forwarded: for=6.6.6.6;proto=https'),
    );
    const forwarded = fieldValues(request, 'forwarded').join(', ');
    const hops = fieldValues(request, 'x-forwarded-for').join(', ');
    if (forwarded !== '') expect(forwarded).toContain('127.0.0.1');
    expect(hops.endsWith('127.0.0.1')).toBe(true);
  });

  it('a Forwarded whose quotes are left open cannot swallow this hop', async () => {
    const fields = ['Forwarded: for="6.6.6.6', 'Forwarded: for=1.1.1.1;by="a\\"b"', 'Forwarded: for="\\"'];
    const request = await passedOn(await scene(), lines('GET /h HTTP/1.1', 'Host: a', ...fields));
    expect(fieldValues(request, 'forwarded')).toEqual([
      'for=1.1.1.1;by="a\\"b", for=127.0.0.1;host="a";proto=http',
    ]);
  });
});

describe('H05 Via', () => {
  it('names this hop, after those before it, both ways', async () => {
    const { pod, client: dial } = await scene({
      proxyName: 'hr-test',
      scripts: [{ onRequest: (c, r) => c.answer(r.target, r, 'Via: 1.1 pod-side\r\n') }],
    });
    const client = await dial();
    const answer = await client.exchange(lines('GET /v HTTP/1.1', 'Host: a', 'Via: 1.0 before'));
    expect(fieldValues(pod.requests[0]!, 'via').join(', ')).toBe('1.0 before, 1.1 hr-test');
    const back = values(answer, 'via').join(', ');
    expect(back === '1.1 pod-side, 1.1 hr-test' || back === '1.1 pod-side').toBe(true);
  });

  it.each([
    '1.1 hr-test',
    '1.1 other, 1.1 hr-test',
    '1.0 x (comment), 1.1 HR-test (c)',
    '1.1 a,1.1 hr-test ,1.1 b',
  ])('own name in %j: 508 loop_detected, nothing sent', async (via) => {
    const { pod, client: dial } = await scene({ proxyName: 'hr-test' });
    const client = await dial();
    const answer = await client.exchange(lines('GET /v HTTP/1.1', 'Host: a', `Via: ${via}`));
    expectProblem(answer, 'loop_detected', false);
    expect(pod.total).toBe(0);
  });

  it('a name that only contains it is no loop; two sidecars in a row are none', async () => {
    const { client: dial } = await scene({ proxyName: 'hr-test' });
    const client = await dial();
    const answer = await client.exchange(
      lines('GET /v HTTP/1.1', 'Host: a', 'Via: 1.1 hr-test2, 1.1 headroute, 1.1 x (hr-test)'),
    );
    expect(answer.status).toBe(200);
    const first = await scene();
    const second = await scene();
    second.plane.setPods([{ name: 'db-0', port: first.plane.port }]);
    const outer = await second.client();
    expect((await outer.exchange(lines('GET /two HTTP/1.1', 'Host: a'))).body.toString()).toBe('/two');
    expect(fieldValues(first.pod.requests[0]!, 'via').join().split(',').length).toBe(2);
  });
});

describe('traceparent', () => {
  const good = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

  it('valid: unchanged with its tracestate', async () => {
    const request = await passedOn(
      await scene(),
      lines('GET / HTTP/1.1', 'Host: a', `traceparent: ${good}`, 'tracestate: a=1,b=2'),
    );
    expect(fieldValues(request, 'traceparent')).toEqual([good]);
    expect(fieldValues(request, 'tracestate')).toEqual(['a=1,b=2']);
  });

  it.each([
    ['short', [`traceparent: ${good.slice(0, 50)}`]],
    ['upper case', [`traceparent: ${good.toUpperCase()}`]],
    ['version ff', [`traceparent: ff${good.slice(2)}`]],
    ['zero trace id', [`traceparent: 00-${'0'.repeat(32)}-b7ad6b7169203331-01`]],
    ['zero parent id', [`traceparent: 00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`]],
    ['version 00 with more', [`traceparent: ${good}-x`]],
    ['empty', ['traceparent:']],
    ['repeated', [`traceparent: ${good}`, `traceparent: ${good}`]],
    ['list', [`traceparent: ${good}, ${good}`]],
    ['no hex', [`traceparent: ${good.replace('0af7', 'zzzz')}`]],
  ])('%s: dropped with its tracestate', async (_, fields) => {
    const request = await passedOn(
      await scene(),
      lines('GET / HTTP/1.1', 'Host: a', ...fields, 'tracestate: a=1'),
    );
    expect(fieldNames(request)).not.toContain('traceparent');
    expect(fieldNames(request)).not.toContain('tracestate');
  });
});

describe('debugHeaders', () => {
  it('name rule, Pod and attempts; otherwise a Pod may use those names', async () => {
    const { client: dial } = await scene({ debugHeaders: true });
    const client = await dial();
    const answer = await client.exchange(lines('GET / HTTP/1.1', 'Host: a'));
    expect(value(answer, 'x-headroute-rule')).toBe('all');
    expect(value(answer, 'x-headroute-pod')).toBe('db-0');
    expect(value(answer, 'x-headroute-attempts')).toBe('1');
    const plain = await scene();
    expect(
      fieldNames(await (await plain.client()).exchange(lines('GET / HTTP/1.1', 'Host: a'))).filter((n) =>
        n.startsWith('x-headroute'),
      ),
    ).toEqual([]);
  });
});
