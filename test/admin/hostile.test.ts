import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type AdminServer, startAdminServer } from '../../src/admin/admin-server.ts';
import { startDebugServer } from '../../src/admin/debug-server.ts';
import { type GuardedServer, startGuardedServer } from '../../src/admin/guarded-server.ts';
import { silentLogger } from '../../src/platform/logger.ts';
import { RawClient } from '../helpers/raw-client.ts';
import { poll } from '../helpers/waiting.ts';
import { value } from '../helpers/wire.ts';

const ok = { ok: true, reason: 'ok' };
let ready = ok;
let metrics: () => Promise<string> | AsyncIterable<string> = async () => '# HELP a b\n# TYPE a gauge\n';
let server: AdminServer;

beforeAll(async () => {
  server = await startAdminServer({
    address: { host: '', port: 0 },
    livez: () => ok,
    readyz: () => ready,
    metrics: () => metrics(),
    logger: silentLogger,
  });
});
afterAll(() => server.close());

async function dial(port = server.address.port, host = '127.0.0.1'): Promise<RawClient> {
  const client = await RawClient.connect(port, host);
  onTestFinished(() => client.destroy());
  return client;
}

async function get(path: string, method = 'GET'): Promise<Awaited<ReturnType<RawClient['exchange']>>> {
  const client = await dial();
  const answer = await client.exchange(`${method} ${path} HTTP/1.1\r\nHost: 10.0.0.1:9180\r\n\r\n`, method);
  client.destroy();
  return answer;
}

describe('the admin server', () => {
  it('serves every address, IPv6 too where there is any', async () => {
    expect((await get('/livez')).body.toString()).toBe('ok\n');
    if (server.address.host !== '::') return;
    const six = await dial(server.address.port, '::1');
    expect((await six.exchange('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n', 'GET')).status).toBe(200);
  });

  it('tells why it is not ready', async () => {
    ready = { ok: false, reason: 'backend db: first look-up not done' };
    onTestFinished(() => {
      ready = ok;
    });
    const answer = await get('/readyz');
    expect([answer.status, answer.body.toString()]).toEqual([503, 'backend db: first look-up not done\n']);
    expect((await get('/readyz', 'HEAD')).status).toBe(503);
  });

  it('refuses what it does not serve', async () => {
    expect((await get('/nothing')).status).toBe(404);
    expect((await get('/livez/')).status).toBe(404);
    const post = await get('/metrics', 'POST');
    expect([post.status, value(post, 'allow')]).toEqual([405, 'GET, HEAD']);
    expect((await get('/metrics?x=1', 'HEAD')).status).toBe(200);
    expect((await get('http://other.example/livez')).status).toBe(200);
  });

  it('sends megabytes of metrics whole, and 500 where rendering fails', async () => {
    const text = `${'é€😀'.repeat(300_000)}\n`;
    metrics = async () => text;
    const answer = await get('/metrics');
    expect(value(answer, 'content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.body.toString('utf8') === text).toBe(true);
    metrics = async () => {
      throw new Error('no');
    };
    expect((await get('/metrics')).status).toBe(500);
    metrics = async function* () {
      yield 'a 1\n';
      yield 'b 2\n';
    } as unknown as typeof metrics;
    expect((await get('/metrics')).body.toString()).toBe('a 1\nb 2\n');
  });
});

describe('hostile clients of the admin and debug servers', () => {
  const big = 'x'.repeat(200_000);
  it.each([
    ['garbage', '\x16\x03\x01\x02\x00\x01\x00\xfc\x03\x03hello\r\n\r\n', 400],
    ['a space in the target', 'GET /li vez HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['no Host', 'GET /livez HTTP/1.1\r\n\r\n', 400],
    ['a bad version', 'GET /livez HTTP/9.9\r\nHost: a\r\n\r\n', 400],
    ['a NUL in a field', 'GET /livez HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n', 400],
    [
      'Content-Length beside chunked',
      'POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['a huge field', `GET /livez HTTP/1.1\r\nHost: a\r\nX: ${big}\r\n\r\n`, 431],
    ['a huge target', `GET /${big} HTTP/1.1\r\nHost: a\r\n\r\n`, 431],
    ['CONNECT', 'CONNECT evil.example:443 HTTP/1.1\r\nHost: a\r\n\r\n', 405],
    ['an asterisk', 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['POST without a length', 'POST /livez HTTP/1.1\r\nHost: a\r\n\r\n', 405],
    ['a body that never comes', 'POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n', 405],
  ])('%s is answered, and the next client is served', async (_name, bytes, status) => {
    const client = await dial();
    const answer = await client.exchange(bytes, 'GET');
    expect(answer.status).toBe(status);
    expect(value(answer, 'content-type')).toBe('application/problem+json');
    expect((await get('/livez')).status).toBe(200);
  });

  it('clients that reset at every point do no harm', async () => {
    const request = 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n';
    for (let cut = 0; cut <= request.length; cut += 6) {
      const client = await RawClient.connect(server.address.port);
      client.send(request.slice(0, cut));
      client.socket.resetAndDestroy();
    }
    expect((await get('/livez')).status).toBe(200);
  });
});

describe('the bounds of a guarded server', () => {
  async function start(part: { headersTimeoutMs?: number; maxConnections?: number }): Promise<GuardedServer> {
    const guarded = await startGuardedServer(
      {
        address: { host: '127.0.0.1', port: 0 },
        key: 'x',
        maxHeaderBytes: 4096,
        logger: silentLogger,
        ...part,
      },
      (_request, response) => void response.end('here'),
    );
    onTestFinished(() => guarded.close());
    return guarded;
  }
  const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

  it('a head that does not come ends as 408', async () => {
    const { address } = await start({ headersTimeoutMs: 50 });
    const slow = await dial(address.port);
    const answer = await slow.exchange('GET / HTTP/1.1\r\nHost:', 'GET');
    expect(answer.status).toBe(408);
    const silent = await dial(address.port);
    expect(['fin', 'reset']).toContain(await silent.closed());
  });

  it('at the limit the oldest connection gives way to the new one', async () => {
    const { address } = await start({ maxConnections: 3 });
    const hoarded = [];
    for (let n = 0; n < 3; n++) hoarded.push(await dial(address.port));
    const probe = await dial(address.port);
    expect((await probe.exchange(request, 'GET')).status).toBe(200);
    await hoarded[0]!.closed();
    expect((await hoarded[1]!.exchange(request, 'GET')).status).toBe(200);
  });

  it('closes although clients keep their connections, answering what is under way', async () => {
    let finish: (() => void) | null = null;
    const guarded = await startGuardedServer(
      { address: { host: '127.0.0.1', port: 0 }, key: 'x', maxHeaderBytes: 4096, logger: silentLogger },
      (_request, response) => {
        finish = () => void response.end('late');
      },
    );
    const idle = await dial(guarded.address.port);
    const busy = await dial(guarded.address.port);
    busy.send(request);
    const answer = await poll(() => finish, 'the request to arrive');
    const closed = guarded.close();
    answer();
    expect((await busy.response('GET')).status).toBe(200);
    await closed;
    await idle.closed();
  });
});

describe('an address that cannot be bound', () => {
  const debug = {
    page: () => import('../../src/page/server-page.ts'),
    state: () => ({}),
    explain: () => ({}),
    config: () => ({}),
    drain() {},
    async undrain() {},
    quit() {},
    forgetTerm: () => null,
    setLogLevel: () => true,
    logger: silentLogger,
  };
  const admin = { livez: () => ok, readyz: () => ok, metrics: async () => '', logger: silentLogger };

  it('in use: names address, port and key', async () => {
    const taken: Server = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as { port: number };
    const address = { host: '127.0.0.1', port };
    const words = (key: string): RegExp =>
      new RegExp(`127\\.0\\.0\\.1:${port} \\(${key}\\): .*in use.*${key}`);
    await expect(startAdminServer({ ...admin, address })).rejects.toThrow(words('admin.address'));
    await expect(startDebugServer({ ...debug, address })).rejects.toThrow(words('debug.address'));
    await expect(startAdminServer({ ...admin, address: { host: '', port } })).rejects.toThrow(/in use/);
  });

  it('not of this host', async () => {
    await expect(startAdminServer({ ...admin, address: { host: '192.0.2.1', port: 9180 } })).rejects.toThrow(
      /192\.0\.2\.1:9180 \(admin\.address\): 192\.0\.2\.1 is no address of this host; change admin\.address/,
    );
  });
});
