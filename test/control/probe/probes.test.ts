import diagnostics from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProbeResult } from '../../../src/control/probe/probe-result.ts';
import { probesOver } from '../../../src/control/probe/run-probe.ts';
import type { Expect, HttpProbe, LineageSource, Probe, TermSource } from '../../../src/model/config.ts';
import { TlsClients } from '../../../src/platform/tls/clients.ts';
import { loopNowMs, poll } from '../../helpers/waiting.ts';

const runProbe = probesOver(new TlsClients());
const open = new Set<Socket>();
const servers: Server[] = [];
afterEach(() => {
  for (const socket of open) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** A Pod that does `answer` with each connection once it has its first bytes. */
async function pod(answer: (socket: Socket, request: string) => void, onConnect = false): Promise<number> {
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
    if (onConnect) answer(socket, '');
    else socket.once('data', (data) => answer(socket, data.toString('latin1')));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const NOTHING: Expect = { status: null, json: [], header: null };
const http = (part: Partial<HttpProbe> = {}): HttpProbe => ({
  type: 'http',
  method: 'GET',
  path: '/healthz',
  port: null,
  headers: [],
  body: null,
  expect: NOTHING,
  ...part,
});

function run(
  probe: Probe,
  port: number,
  options: { term?: TermSource; lineage?: LineageSource; timeoutMs?: number; addresses?: string[] } = {},
): Promise<ProbeResult> {
  const target = {
    addresses: options.addresses ?? ['127.0.0.1'],
    port,
    dnsName: 'db-0.db.prod.svc.cluster.local',
  };
  return new Promise((resolve, reject) => {
    let calls = 0;
    runProbe(
      probe,
      { term: options.term ?? null, lineage: options.lineage ?? null },
      target,
      options.timeoutMs ?? 1000,
      (result) => {
        if (++calls > 1) reject(new Error('done twice'));
        setImmediate(() => resolve(result));
      },
    );
  });
}

const ok = (body = '', head = ''): string =>
  `HTTP/1.1 200 OK\r\n${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const JSON_LEADER: Expect = { ...NOTHING, json: [{ pointer: '/role', equals: 'leader' }] };

describe('a Pod that speaks TLS, asked in plain text', () => {
  // An alert of OpenSSL's: fatal, unexpected message.
  const alert = Buffer.from([0x15, 3, 1, 0, 2, 2, 10]);

  it.each([
    ['http', http()],
    [
      'tcp',
      { type: 'tcp', port: null, send: 'PING\r\n', reply: null, auth: null, expectContains: 'PONG' } as const,
    ],
  ])('is told as such by a probe of %s', async (_, probe) => {
    const port = await pod((socket) => socket.end(alert));
    expect(await run(probe, port)).toMatchObject({
      outcome: 'failure',
      tls: 'tls_expected',
      reason: 'it speaks TLS on this port, and plain text was sent: write tls',
    });
  });
});

describe('HTTP probes', () => {
  it('sends the request it was told, H4 (apisix#4906) with the name of the Pod as Host', async () => {
    let seen = '';
    const port = await pod((socket, request) => {
      seen = request;
      socket.end(ok());
    });
    const result = await run(
      http({ method: 'POST', body: '{}', headers: [{ name: 'X', value: 'y' }] }),
      port,
    );
    expect(result).toMatchObject({ outcome: 'success', reason: 'POST /healthz answered 200' });
    expect(seen).toMatch(/^POST \/healthz HTTP\/1\.1\r\n/);
    expect(seen).toContain(`\r\nHost: db-0.db.prod.svc.cluster.local:${port}\r\n`);
    expect(seen).toContain('\r\nX: y\r\n');
    expect(seen.endsWith('\r\n\r\n{}')).toBe(true);
    await run(http({ headers: [{ name: 'host', value: 'given' }] }), port);
    expect(seen.match(/^host:.*$/gim)).toEqual(['host: given']);
  });

  it('H1 (caddy#6291) follows no redirect, on no port, and says so', async () => {
    let others = 0;
    const other = await pod((socket) => {
      others++;
      socket.end(ok());
    }, true);
    const port = await pod((socket) =>
      socket.end(
        `HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:${other}/login\r\nContent-Length: 0\r\n\r\n`,
      ),
    );
    const narrow = http({ expect: { ...NOTHING, status: [200] } });
    expect(await run(http(), port)).toMatchObject({ outcome: 'success' });
    expect(await run(narrow, port)).toMatchObject({
      outcome: 'failure',
      reason: `GET /healthz answered 302 to http://127.0.0.1:${other}/login`,
    });
    expect(others).toBe(0);
  });

  it.each<[string, (socket: Socket) => void, string, boolean]>([
    ['garbage', (s) => s.end('\x00\x01garbage\r\n\r\n'), 'not HTTP', true],
    ['an SSH banner', (s) => s.write('SSH-2.0-x\r\n'), 'not HTTP', true],
    ['nothing, then FIN', (s) => s.end(), 'closed without an answer', false],
    ['RST', (s) => s.resetAndDestroy(), 'closed without an answer', false],
    ['half a head, then FIN', (s) => s.end('HTTP/1.1 200 OK\r\nX: '), 'not HTTP|closed', false],
    ['silence', () => {}, 'no answer to GET /healthz within 200ms', false],
    ['only 100s', (s) => s.write('HTTP/1.1 100 Continue\r\n\r\n'.repeat(3)), 'within 200ms', false],
    [
      'an endless head',
      (s) => s.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(200_000)}`),
      'more than 64 KiB',
      true,
    ],
    [
      '101',
      (s) => s.write('HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
      '101',
      true,
    ],
    ['a body cut short', (s) => s.end('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"ro'), 'closed', false],
    ['a huge body', (s) => s.write(ok('x'.repeat(500_000))), 'more than 64 KiB', true],
    [
      'an endless chunk',
      (s) => s.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n${'x'.repeat(99_999)}`),
      'more than 64 KiB',
      true,
    ],
    ['not JSON', (s) => s.end(ok('<html>')), 'but not with JSON', true],
    ['no such key', (s) => s.end(ok('{"__proto__":{"role":"leader"}}')), 'without /role', true],
    ['another value', (s) => s.end(ok('{"role":"replica"}')), '/role is not "leader"', true],
  ])('%s is a failure with a reason', async (_name, answer, reason, answered) => {
    const port = await pod(answer);
    const result = await run(http({ expect: JSON_LEADER }), port, { timeoutMs: 200 });
    expect(result.outcome).not.toBe('success');
    expect(result.reason).toMatch(new RegExp(reason));
    if (!reason.includes('|')) expect(result.answered).toBe(answered);
  });

  it('a slow drip ends at the timeout, absolutely', async () => {
    const port = await pod((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n');
      const drip = setInterval(() => socket.write('x'), 10);
      socket.on('close', () => clearInterval(drip));
    });
    const started = loopNowMs();
    const result = await run(http({ expect: JSON_LEADER }), port, { timeoutMs: 150 });
    expect(result.outcome).toBe('timeout');
    expect(loopNowMs() - started).toBeLessThan(600);
  });

  it('reads chunked bodies, bodies that end with the connection, and answers after 1xx', async () => {
    const body = '{"role":"leader"}';
    const forms = [
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n${body}\r\n0\r\n\r\n`,
      `HTTP/1.1 200 OK\r\n\r\n${body}`,
      `HTTP/1.1 103 Early Hints\r\n\r\n${ok(body)}`,
    ];
    for (const form of forms) {
      const port = await pod((socket) => socket.end(form));
      expect(await run(http({ expect: JSON_LEADER }), port)).toMatchObject({ outcome: 'success' });
    }
  });

  it.each([
    ['{"t":18446744073709551617}', '18446744073709551617'],
    ['{"t":"0018446744073709551617"}', '18446744073709551617'],
    ['{"t":9007199254740993}', '9007199254740993'],
    ['{"t":1e3}', '1000'],
    ['{"x":"\\"t\\":5","t":7.0}', '7'],
    ['{"t":-1}', null],
    ['{"t":1.5}', null],
    ['{"t":"12a"}', null],
    ['{"t":null}', null],
    ['{"n5":1}', null],
  ])('reads the term of %s exactly', async (body, term) => {
    const port = await pod((socket) => socket.end(ok(body)));
    const result = await run(http(), port, { term: { json: '/t' } });
    expect([result.outcome, result.term]).toEqual([term === null ? 'failure' : 'success', term]);
  });

  it.each([
    ['{"leader":"18446744073709551615","header":{"id":"18446744073709551615"}}', 'success'],
    ['{"leader":9007199254740993,"header":{"id":9007199254740992}}', 'failure'],
    ['{"leader":null,"header":{"id":null}}', 'failure'],
    ['{"header":{"id":"1"}}', 'failure'],
    ['{}', 'failure'],
  ])('equalsPointer over %s', async (body, outcome) => {
    const port = await pod((socket) => socket.end(ok(body)));
    const expectation: Expect = { ...NOTHING, json: [{ pointer: '/leader', equalsPointer: '/header/id' }] };
    expect((await run(http({ expect: expectation }), port)).outcome).toBe(outcome);
  });

  it('a refused connection, and the second address where the first refuses', async () => {
    const port = await pod((socket) => socket.end(ok()));
    expect(await run(http(), port, { addresses: ['127.0.0.2'] })).toMatchObject({
      outcome: 'refused',
      reason: 'connection refused',
    });
    expect(await run(http(), port, { addresses: ['127.0.0.2', '127.0.0.1'] })).toMatchObject({
      outcome: 'success',
    });
  });

  it('a request that cannot be written is a failure, not an exception', async () => {
    const port = await pod((socket) => socket.end(ok()));
    expect(await run(http({ path: '/a b' }), port)).toMatchObject({ outcome: 'error' });
  });
});

const ROLE: Probe = {
  type: 'tcp',
  port: null,
  send: 'ROLE\r\n',
  reply: null,
  auth: null,
  expectContains: 'master',
};

describe('TCP probes', () => {
  it('tcpSocket: an open connection is enough', async () => {
    const port = await pod(() => {}, true);
    expect((await run({ type: 'tcpSocket', port: null }, port)).outcome).toBe('success');
    expect((await run({ type: 'tcpSocket', port: null }, port, { addresses: ['127.0.0.2'] })).outcome).toBe(
      'refused',
    );
  });

  it.each<[string, (socket: Socket) => void, string, boolean]>([
    ['in two pieces', (s) => s.write('*3 mas') && setTimeout(() => s.write('ter'), 20), 'success', true],
    ['something else', (s) => s.write('*5 slave'), 'failure', true],
    ['something else, then FIN', (s) => s.end('-ERR'), 'failure', true],
    ['silence', () => {}, 'timeout', false],
    ['FIN', (s) => s.end(), 'error', false],
    ['RST', (s) => s.resetAndDestroy(), 'error', false],
    ['past 64 KiB', (s) => s.write(`${'x'.repeat(65_536)}master`), 'failure', true],
  ])('%s', async (_name, answer, outcome, answered) => {
    const port = await pod(answer);
    expect(await run(ROLE, port, { timeoutMs: 200 })).toMatchObject({ outcome, answered });
  });
});

describe('a probe that is given up while the Pod says nothing', () => {
  /** Asks a Pod that is silent; there once it was asked. */
  async function silence(probe: Probe): Promise<{ socket: Socket; giveUp(): void; results: ProbeResult[] }> {
    const results: ProbeResult[] = [];
    let giveUp = (): void => {};
    const socket = await new Promise<Socket>((resolve) => {
      void pod(resolve).then((port) => {
        const target = { addresses: ['127.0.0.1'], port, dnsName: 'db-0.db' };
        const running = runProbe(probe, null, target, 60_000, (result) => results.push(result));
        giveUp = () => running.cancel();
      });
    });
    return { socket, giveUp, results };
  }

  it.each<[string, Probe]>([
    ['http', http()],
    ['tcp', ROLE],
  ])('%s: closes its connection, and ends in nothing', async (_type, probe) => {
    const { socket, giveUp, results } = await silence(probe);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    giveUp();
    await closed;
    expect(results).toEqual([]);
  });

  // Node's parser outside of the heap holds the request, the socket and what they hold, until it is freed.
  it('leaves no request in memory', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const requests: WeakRef<ClientRequest>[] = [];
    const onStart = (message: unknown): void => {
      requests.push(new WeakRef((message as { request: ClientRequest }).request));
    };
    diagnostics.subscribe('http.client.request.start', onStart);
    for (let i = 0; i < 10; i++) (await silence(http())).giveUp();
    diagnostics.unsubscribe('http.client.request.start', onStart);
    expect(requests.length).toBe(10);
    const left = (): number => {
      collect();
      return requests.filter((request) => request.deref() !== undefined).length;
    };
    await poll(() => left() === 0, 'nothing holds the requests');
  });
});
