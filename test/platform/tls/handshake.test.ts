import { spawn } from 'node:child_process';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, type SecureContextOptions, TLSSocket } from 'node:tls';
import { afterAll, afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { type DialFailure, systemDialer } from '../../../src/platform/dialer.ts';
import { reset, wasReset } from '../../../src/platform/reset.ts';
import { TlsClient } from '../../../src/platform/tls/client.ts';
import type { TlsOptions } from '../../../src/platform/tls/options.ts';
import { issue } from '../../helpers/certificates.ts';
import { TlsFiles, tlsOptions } from '../../helpers/tls-files.ts';
import { poll } from '../../helpers/waiting.ts';

const NAME = 'db-0.db.prod.svc.cluster.local';
const DAY_MS = 86_400_000;
const ca = issue({ name: 'CA of the Pods', isCa: true });
const otherCa = issue({ name: 'another CA', isCa: true });
const pod = issue({ name: 'db-0', names: [NAME], signer: ca });
const us = issue({ name: 'headroute', signer: ca });
const files = new TlsFiles();
const caPath = files.write('ca.crt', ca.cert);
const ours = { cert: files.write('tls.crt', us.cert), key: files.write('tls.key', us.key) };
afterAll(() => files.remove());

const servers: Server[] = [];
const open = new Set<Socket>();
afterEach(() => {
  for (const socket of open) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** A Pod. @param secure null: it speaks no TLS @param on is told of each connection, once it is there, and of what lies below */
async function serve(
  secure: (SecureContextOptions & { wantsClient?: boolean }) | null,
  on: (socket: Socket, tcp: Socket) => void = () => {},
): Promise<number> {
  const context = secure === null ? null : createSecureContext(secure);
  const server = createServer({ allowHalfOpen: true }, (tcp) => {
    open.add(tcp);
    tcp.on('error', () => {});
    if (context === null) return on(tcp, tcp);
    const wants = secure?.wantsClient === true;
    const options = { isServer: true, secureContext: context, requestCert: wants, rejectUnauthorized: wants };
    const socket = new TLSSocket(tcp, options);
    socket.on('error', () => {});
    socket.on('secure', () => {
      if (wants && (socket as { ssl?: { verifyError(): Error | null } }).ssl?.verifyError()) tcp.destroy();
      // Within the handshake Node would end it without close_notify.
      else setImmediate(() => on(socket, tcp));
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function clientOf(part: Partial<TlsOptions> = {}): TlsClient {
  return new TlsClient(tlsOptions({ ca: caPath, ...part }), Date.now());
}

function dial(port: number, client = clientOf(), timeoutMs = 3000): Promise<Socket | DialFailure> {
  const tls = { client, serverName: client.options.serverName ?? NAME, protocol: 'http/1.1' as const };
  const options = { noDelay: true, allowHalfOpen: true };
  return new Promise((resolve) => {
    systemDialer.dial(
      { addresses: ['127.0.0.1'], port, timeoutMs, options, tls },
      {
        opened: (socket) => {
          open.add(socket);
          socket.on('error', () => {});
          resolve(socket);
        },
        unopened: resolve,
      },
    );
  });
}

async function opened(port: number, client?: TlsClient): Promise<Socket> {
  const result = await dial(port, client);
  if ('reason' in result) throw new Error(result.reason);
  return result;
}

async function failure(port: number, client?: TlsClient, timeoutMs?: number): Promise<DialFailure> {
  const result = await dial(port, client, timeoutMs);
  if ('reason' in result) return result;
  throw new Error('it opened');
}

const text = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    let all = '';
    socket.on('data', (data) => {
      all += data.toString('latin1');
    });
    socket.on('end', () => resolve(wasReset(socket) ? `${all} broken off` : all));
    socket.on('error', () => resolve(`${all} broken`));
  });

describe('a Pod is believed', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('by its chain and its name, over %s', async (version) => {
    const port = await serve({ ...pod, minVersion: version, maxVersion: version }, (socket) =>
      socket.end('hello'),
    );
    expect(await text(await opened(port))).toBe('hello');
  });

  it('by our serverName, which it is told of', async () => {
    const service = issue({ name: 'db', names: ['db.prod.svc'], signer: ca });
    let told: string | false | null = null;
    const port = await serve(service, (socket) => {
      told = (socket as TLSSocket).servername ?? null;
      socket.end('hello');
    });
    expect(await text(await opened(port, clientOf({ serverName: 'db.prod.svc' })))).toBe('hello');
    expect(told).toBe('db.prod.svc');
  });

  it('without a look at its name, or at anything, where that is said', async () => {
    const stranger = issue({ name: 'x', names: ['stranger.example'], signer: otherCa });
    const misnamed = issue({ name: 'x', names: ['stranger.example'], signer: ca });
    const one = await serve(misnamed, (socket) => socket.end('one'));
    const two = await serve(stranger, (socket) => socket.end('two'));
    expect(await text(await opened(one, clientOf({ verify: 'Chain' })))).toBe('one');
    expect((await failure(two, clientOf({ verify: 'Chain' }))).tls).toBe('untrusted');
    expect(await text(await opened(two, clientOf({ verify: 'None' })))).toBe('two');
  });
});

describe('failures are told apart', () => {
  it('untrusted', async () => {
    const port = await serve(issue({ name: 'db-0', names: [NAME], signer: otherCa }));
    const { tls, kind, reason } = await failure(port);
    expect({ tls, kind }).toEqual({ tls: 'untrusted', kind: 'refused' });
    expect(reason).toBe(
      `its certificate, issued by another CA, is not trusted by ${caPath}: unable to verify leaf signature`,
    );
  });

  it('wrong name: which it has, and what to write', async () => {
    const port = await serve(
      issue({ name: 'x', names: ['db-0.db.prod', 'db.prod.svc', '*.db.prod.svc'], signer: ca }),
    );
    const { tls, reason } = await failure(port);
    expect(tls).toBe('wrong_name');
    expect(reason).toBe(
      `its certificate is for db-0.db.prod, db.prod.svc, *.db.prod.svc, not for ${NAME}: if all Pods have that one write serverName: db.prod.svc under tls, else issue it for ${NAME}`,
    );
  });

  it('expired', async () => {
    const port = await serve(
      issue({
        name: 'x',
        names: [NAME],
        signer: ca,
        fromMs: Date.now() - 2 * DAY_MS,
        untilMs: Date.now() - DAY_MS,
      }),
    );
    expect(await failure(port)).toMatchObject({
      tls: 'expired',
      reason: expect.stringMatching(/has expired; its own is valid until 20/),
    });
  });

  it('not yet valid', async () => {
    const port = await serve(
      issue({
        name: 'x',
        names: [NAME],
        signer: ca,
        fromMs: Date.now() + DAY_MS,
        untilMs: Date.now() + 2 * DAY_MS,
      }),
    );
    expect(await failure(port)).toMatchObject({
      tls: 'not_yet_valid',
      reason: expect.stringContaining('are the clocks right?'),
    });
  });

  it('not TLS at all', async () => {
    const port = await serve(
      null,
      (socket) => void socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    );
    expect(await failure(port)).toMatchObject({
      tls: 'not_tls',
      reason: expect.stringContaining('is not TLS'),
    });
  });

  it('closed without a word', async () => {
    const port = await serve(null, (socket) => void socket.once('data', () => socket.end()));
    expect(await failure(port)).toMatchObject({ tls: 'closed' });
  });

  it('silent', async () => {
    const port = await serve(null);
    expect(await failure(port, undefined, 60)).toMatchObject({
      tls: 'timeout',
      error: null,
      reason: 'no TLS handshake within 60 ms',
    });
  });

  it('no version in common', async () => {
    const port = await serve({ ...pod, maxVersion: 'TLSv1.2' });
    expect(await failure(port, clientOf({ minVersion: '1.3' }))).toMatchObject({ tls: 'incompatible' });
  });

  it('our own files cannot be used: nothing is said of the Pod', async () => {
    const port = await serve(pod);
    expect(await failure(port, clientOf({ ca: files.path('none') }))).toMatchObject({
      tls: 'own_files',
      kind: 'local',
      reason: `${files.path('none')} is not there`,
    });
  });
});

describe.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'a Pod that wants a certificate of ours, over %s',
  (version) => {
    const wants = { ...pod, ca: ca.cert, wantsClient: true, minVersion: version, maxVersion: version };

    it('takes us with the right one', async () => {
      const port = await serve(wants, (socket) => socket.end('hello'));
      expect(await text(await opened(port, clientOf(ours)))).toBe('hello');
    });

    it('is told apart where it refuses one, before anything was sent', async () => {
      const stranger = issue({ name: 'headroute', signer: otherCa });
      const wrong = {
        cert: files.write('wrong.crt', stranger.cert),
        key: files.write('wrong.key', stranger.key),
      };
      // OpenSSL judges the certificate by itself where it is asked to.
      const port = await serveByOpenssl(version);
      expect(await failure(port, clientOf(wrong))).toMatchObject({
        tls: 'client_certificate',
        reason: expect.stringContaining('it refuses our certificate'),
      });
      const { tls, reason } = await failure(port, clientOf());
      if (version === 'TLSv1.3') expect(tls).toBe('client_certificate');
      else expect(tls).toBe('incompatible');
      expect(reason).toContain('certificate of ours');
      const socket = await opened(port, clientOf(ours));
      socket.write('GET / HTTP/1.0\r\n\r\n');
      expect(await text(socket)).toContain('Secure Renegotiation');
    });
  },
);

/** Node's server takes every client and asks later; OpenSSL's refuses as other servers do. */
async function serveByOpenssl(version: 'TLSv1.2' | 'TLSv1.3'): Promise<number> {
  const flag = version === 'TLSv1.2' ? '-tls1_2' : '-tls1_3';
  const cert = files.write('pod.crt', pod.cert);
  const key = files.write('pod.key', pod.key);
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  const args = [
    's_server',
    '-accept',
    `127.0.0.1:${port}`,
    '-cert',
    cert,
    '-key',
    key,
    '-CAfile',
    caPath,
    '-Verify',
    '1',
    '-verify_return_error',
    flag,
    '-www',
  ];
  const server = spawn('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void server.kill());
  await new Promise<void>((resolve) =>
    server.stdout.on('data', (data) => String(data).includes('ACCEPT') && resolve()),
  );
  return port;
}

describe('the end of a Pod’s data', () => {
  it('is one with close_notify, and then alone', async () => {
    const port = await serve(pod, (socket) => socket.end('whole'));
    expect(await text(await opened(port))).toBe('whole');
  });

  it.each(['at once', 'later'])('is a break with a FIN alone, %s', async (when) => {
    const port = await serve(pod, (socket, tcp) => {
      socket.write('half', () => {
        if (when === 'at once') tcp.destroy();
        else setImmediate(() => tcp.destroy());
      });
    });
    expect(await text(await opened(port))).toBe('half broken off');
  });

  it('is known of a socket that is not read meanwhile', async () => {
    const port = await serve(pod, (socket) => socket.end(Buffer.alloc(300_000, 'x')));
    const socket = await opened(port);
    socket.pause();
    await new Promise((resolve) => setImmediate(resolve));
    expect((await text(socket.resume())).length).toBe(300_000);
  });
});

it('a reset of ours is one for the Pod, and looks like none of its data’s ends', async () => {
  let ended = 'nothing';
  const port = await serve(pod, (socket) => {
    socket.resume();
    socket.on('end', () => {
      ended = 'end';
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      ended = error.code ?? error.message;
    });
  });
  const socket = await opened(port);
  reset(socket);
  await poll(() => ended !== 'nothing', 'the end at the Pod');
  expect(ended).toBe('ECONNRESET');
  expect(socket.destroyed).toBe(true);
});

it('a session is resumed with each Pod, and not past its certificate', async () => {
  const reused: boolean[] = [];
  const port = await serve(pod, (socket) => {
    reused.push((socket as TLSSocket).isSessionReused());
    socket.end('x');
  });
  const client = clientOf();
  await text(await opened(port, client));
  await text(await opened(port, client));
  expect(reused).toEqual([false, true]);
  const key = `${NAME} 127.0.0.1 ${port}`;
  expect(client.shownAt('127.0.0.1', port)?.names).toEqual([NAME]);
  expect(client.session(key, Date.now())).not.toBeNull();
  expect(client.session(key, Date.now() + 2 * DAY_MS)).toBeNull();
});
