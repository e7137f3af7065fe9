import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DebugServer, startDebugServer } from '../../src/admin/debug-server.ts';
import { silentLogger } from '../../src/platform/logger.ts';
import { RawClient } from '../helpers/raw-client.ts';
import { state } from '../helpers/state.ts';
import { poll } from '../helpers/waiting.ts';
import { type Message, value } from '../helpers/wire.ts';

let server: DebugServer;
let calls: string[] = [];

beforeAll(async () => {
  server = await startDebugServer({
    address: { host: '127.0.0.1', port: 0 },
    page: () => import('../../src/page/server-page.ts'),
    state: () => state({ draining: calls.includes('drain') }),
    explain(method, url, headers) {
      if (url === '/unfit') throw new Error('the host is no host');
      if (url === '/bug') throw new TypeError('undefined is not a function, secret');
      return { method, url, headers };
    },
    config: () => ({ apiVersion: 'x' }),
    drain: () => calls.push('drain'),
    async undrain() {
      calls.push('undrain');
      if (calls.includes('drain')) throw new Error('port 5432 is in use');
    },
    quit: () => calls.push('quit'),
    forgetTerm(backend) {
      calls.push(`forget ${backend}`);
      return backend === 'db' ? '7' : undefined;
    },
    setLogLevel(level) {
      calls.push(`level ${level}`);
      return level === 'debug';
    },
    logger: silentLogger,
  });
});
afterAll(() => server.close());
beforeEach(() => {
  calls = [];
});

async function ask(
  line: string,
  fields: readonly string[],
  body = '',
): Promise<Message & { status: number }> {
  const client = await RawClient.connect(server.address.port);
  const method = line.split(' ')[0]!;
  const answer = await client.exchange(
    `${[`${line} HTTP/1.1`, ...fields].join('\r\n')}\r\n\r\n${body}`,
    method,
  );
  client.destroy();
  return answer;
}

const local = (): string => `Host: 127.0.0.1:${server.address.port}`;
const PATHS = [
  'GET /',
  'GET /page.js',
  'GET /page.css',
  'GET /state',
  'GET /explain?method=GET&url=/',
  'GET /config',
  'GET /nothing',
];
const CONTROLS = [
  'POST /drain',
  'POST /undrain',
  'POST /quit',
  'POST /log?level=debug',
  'POST /terms/forget?backend=db',
];

describe('the debug server', () => {
  it('answers state, config and a page that lists its paths, never to be kept, sniffed, framed or shared', async () => {
    const shown = await ask('GET /state', [local(), 'Origin: https://evil.example']);
    expect(shown.status).toBe(200);
    expect(JSON.parse(shown.body.toString())).toEqual(state());
    expect(value(shown, 'content-type')).toBe('application/json; charset=utf-8');
    expect(value(shown, 'cache-control')).toBe('no-store');
    expect(value(shown, 'x-content-type-options')).toBe('nosniff');
    expect(value(shown, 'content-security-policy')).toContain("default-src 'none'");
    expect(shown.fields.filter(([name]) => /^access-control/i.test(name))).toEqual([]);
    expect(JSON.parse((await ask('GET /config', [local()])).body.toString())).toEqual({ apiVersion: 'x' });
    const page = await ask('GET /', [local()]);
    expect(value(page, 'content-type')).toBe('text/html; charset=utf-8');
    for (const path of ['/state', '/explain', '/config', '/drain', '/undrain', '/quit', '/log'])
      expect(page.body.toString()).toContain(path);
  });

  it('explains with several headers, percent-encoded', async () => {
    const answer = await ask(
      'GET /explain?method=PURGE&url=%2Ft%2Fa%3Fx%3D1%262&header=X-Tenant:%20a:b&header=Cookie:c=d',
      [local()],
    );
    expect(JSON.parse(answer.body.toString())).toEqual({
      method: 'PURGE',
      url: '/t/a?x=1&2',
      headers: [
        ['X-Tenant', 'a:b'],
        ['Cookie', 'c=d'],
      ],
    });
  });

  it.each([
    ['url=/', 'method'],
    ['method=&url=/', 'method'],
    ['method=GET&method=PUT&url=/', 'method'],
    ['method=G%20T&url=/', 'method'],
    ['method=GET', 'url'],
    ['method=GET&url=db/x', 'url'],
    ['method=GET&url=ftp://db/x', 'url'],
    ['method=GET&url=/&header=NoColon', 'header'],
    ['method=GET&url=/&header=:v', 'header'],
    ['method=GET&url=/&header=A:b%0d%0aC:d', 'header'],
    ['method=GET&url=/&headers=A:b', 'headers'],
    ['method=GET&url=/unfit', 'url'],
  ])('refuses to explain %s and names the parameter', async (query, parameter) => {
    const answer = await ask(`GET /explain?${query}`, [local()]);
    expect(answer.status).toBe(400);
    expect(value(answer, 'content-type')).toBe('application/problem+json');
    const problem = JSON.parse(answer.body.toString());
    expect(problem).toMatchObject({ title: 'Bad Request', status: 400 });
    expect(problem.detail).toMatch(new RegExp(`parameter .*\\b${parameter}\\b`));
  });

  it('answers 500 without details for a mistake of its own, and goes on', async () => {
    const answer = await ask('GET /explain?method=GET&url=/bug', [local()]);
    expect(answer.status).toBe(500);
    expect(answer.body.toString()).not.toContain('secret');
    expect((await ask('GET /state', [local()])).status).toBe(200);
  });

  it.each([
    ['GET /drain', 'POST'],
    ['GET /undrain', 'POST'],
    ['GET /quit', 'POST'],
    ['HEAD /log?level=debug', 'POST'],
    ['PUT /drain', 'POST'],
    ['POST /state', 'GET, HEAD'],
    ['DELETE /config', 'GET, HEAD'],
    ['OPTIONS /explain', 'GET, HEAD'],
    ['TRACE /', 'GET, HEAD'],
  ])('%s is 405 with Allow: %s', async (line, allow) => {
    const answer = await ask(line, [local()]);
    expect([answer.status, value(answer, 'allow')]).toEqual([405, allow]);
    expect(calls).toEqual([]);
  });

  it('takes a drain back, or says why it cannot', async () => {
    const taken = await ask('POST /undrain', [local()]);
    expect([taken.status, taken.body.toString()]).toEqual([200, '{"draining":false}\n']);
    await ask('POST /drain', [local()]);
    const refused = await ask('POST /undrain', [local()]);
    expect([refused.status, JSON.parse(refused.body.toString()).detail]).toEqual([
      503,
      'port 5432 is in use',
    ]);
    expect(calls).toEqual(['undrain', 'drain', 'undrain']);
  });

  it('drains, quits after its answer, and changes the log level', async () => {
    expect((await ask('POST /drain', [local()])).status).toBe(200);
    expect((await ask('POST /log?level=debug', [local(), 'Content-Length: 3'], 'abc')).status).toBe(200);
    expect((await ask('POST /log?level=loud', [local()])).status).toBe(400);
    expect((await ask('POST /log', [local()])).status).toBe(400);
    expect((await ask('POST /log?level=debug&level=info', [local()])).status).toBe(400);
    expect((await ask('POST /quit', [local(), 'Content-Length: 0'])).status).toBe(202);
    await poll(() => calls.length === 4, 'quit is called');
    expect(calls).toEqual(['drain', 'level debug', 'level loud', 'quit']);
  });
});

describe('A1: a Host that is not literally loopback is refused on every path (headroomlabs-ai/headroom#605)', () => {
  const hosts = [
    'evil.example:9181',
    'localhost.evil.example',
    'localhost.',
    'localhost:9181.evil.example',
    'localhost:99999',
    'localhost:',
    'x@localhost',
    'localhost@evil.example',
    '127.0.0.1.nip.io',
    '127.1',
    '127.0.0.256',
    '127.0.0.01',
    '0x7f.0.0.1',
    '2130706433',
    '0.0.0.0',
    '128.0.0.1',
    '::1',
    '[::1].evil.example',
    '[::ffff:127.0.0.1]',
    '[::]',
    'localhost, evil.example',
    '',
  ];
  it.each(hosts)('%j', async (host) => {
    for (const line of [...PATHS, ...CONTROLS]) {
      const answer = await ask(line, [`Host: ${host}`]);
      expect([line, answer.status]).toEqual([line, 403]);
    }
    expect(calls).toEqual([]);
  });

  it('a missing or repeated Host, and a foreign authority in the target', async () => {
    // Node itself wants a Host; of several it keeps the first, and we look at all.
    for (const [status, fields] of [
      [400, []],
      [403, [local(), local()]],
      [403, [local(), 'Host: evil.example']],
      [403, ['Host: evil.example', local()]],
    ] as const)
      expect((await ask('POST /drain', fields)).status).toBe(status);
    expect((await ask('POST http://evil.example/drain', [local()])).status).toBe(403);
    const client = await RawClient.connect(server.address.port);
    const old = await client.exchange('GET /state HTTP/1.0\r\n\r\n', 'GET').catch(() => null);
    client.destroy();
    expect(old === null || old.status === 403).toBe(true);
    expect(calls).toEqual([]);
  });

  it.each(['localhost', 'LOCALHOST:1', '127.0.0.1', '127.255.0.9:65535', '[::1]', '[::1]:9181'])(
    'but %s is served',
    async (host) => {
      expect((await ask('GET /state', [`Host: ${host}`])).status).toBe(200);
    },
  );
});

describe('A3: a web page may not control headroute (open-mercato/cezar#426)', () => {
  it.each([
    ['Origin: https://evil.example'],
    ['Origin: http://evil.example'],
    ['Origin: null'],
    ['Origin: '],
    ['Origin: https://localhost:9181'],
    ['Origin: http://localhost:3000'],
    ['Origin: http://localhost:9181/'],
    ['Origin: http://127.0.0.1:9181'],
    ['Origin: http://localhost:9181 https://evil.example'],
    ['Origin: http://localhost:9181', 'Origin: https://evil.example'],
    ['Sec-Fetch-Site: cross-site'],
    ['Sec-Fetch-Site: same-site'],
    ['Sec-Fetch-Site: CROSS-SITE'],
    ['Sec-Fetch-Site: none', 'Sec-Fetch-Site: cross-site'],
    ['Origin: http://localhost:9181', 'Sec-Fetch-Site: cross-site'],
  ])('POST with %s %s', async (...fields) => {
    for (const line of CONTROLS) {
      const answer = await ask(line, [
        'Host: localhost:9181',
        'Content-Type: text/plain',
        'Content-Length: 0',
        ...fields,
      ]);
      expect([line, answer.status]).toEqual([line, 403]);
    }
    expect(calls).toEqual([]);
  });

  it.each([
    ['localhost:9181', ['Origin: http://localhost:9181', 'Sec-Fetch-Site: same-origin']],
    ['LocalHost:9181', ['Origin: http://localhost:9181']],
    ['localhost:80', ['Origin: http://localhost']],
    ['[::1]:9181', ['Origin: http://[::1]:9181']],
    ['localhost:9181', ['Sec-Fetch-Site: none']],
    ['localhost:9181', []],
  ])('but one from %s with %j may', async (host, fields) => {
    expect((await ask('POST /drain', [`Host: ${host}`, ...fields])).status).toBe(200);
    expect(calls).toEqual(['drain']);
  });
});
