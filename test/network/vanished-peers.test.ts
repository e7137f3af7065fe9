/**
 * Hosts that die without a word (no FIN, no RST): who waits for them is told within 40 s, or at once where the Pod has left DNS.
 * All cases wait at the same time. B4 (linkerd2#13023, lettuce#2082). Source: issue 16 item 3; SPEC 3, Health.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DnsServer, startDnsServer } from '../../src/demo/dns-server.ts';
import { Sidecar } from '../app/support/sidecar.ts';
import { Host } from './support/host.ts';

const MARK_MS = 40_000;
/** Three probes of 500 ms each, the look-up that misses the Pod twice, and time for a busy machine. */
const AT_ONCE_MS = 10_000;
const STAY = 'stay.prod.svc.cluster.local';
const LEAVE = 'leave.prod.svc.cluster.local';

/** How something ended, and how long after the hosts had vanished. */
interface End {
  readonly how: string;
  readonly afterMs: number;
}

let dns: DnsServer;
let sidecar: Sidecar;
let alive: Host;
let vanishing: Host;
let leaving: Host;
let clients: Host;
let vanishedAtMs = Number.NaN;

const ends: Record<string, Promise<End>[]> = {};
const open: Socket[] = [];
let slowReader: Socket;

function port(listener: string): number {
  return sidecar.port(listener);
}

function dial(listener: string): Socket {
  const socket = connect({ host: '127.0.0.1', port: port(listener) });
  open.push(socket);
  return socket;
}

/** The end of a connection: all that came, or how it broke off. */
function ending(socket: Socket, complete: (text: string) => boolean = () => false): Promise<End> {
  let text = '';
  return new Promise((resolve) => {
    const end = (how: string): void => resolve({ how, afterMs: performance.now() - vanishedAtMs });
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      if (complete(text)) end(text);
    });
    socket.on('end', () => end('fin'));
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}

const whole = (text: string): boolean => /\r\n\r\n[^\r]/.test(text);

function ask(method: string, path: string): Promise<End> {
  const socket = dial('app');
  socket.write(`${method} ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  return ending(socket, whole);
}

/** A tunnel that has carried something both ways. */
async function tunnel(listener: string, upgrade: string | null): Promise<Socket> {
  const socket = dial(listener);
  if (upgrade !== null) {
    socket.write(`GET ${upgrade} HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n`);
    await once(socket, 'data');
  }
  socket.write('hello');
  await once(socket, 'data');
  return socket;
}

function backend(name: string, service: string, portName: string): object {
  return {
    name,
    service,
    port: portName,
    discovery: {
      nameservers: [`${dns.address.host}:${dns.address.port}`],
      refresh: { min: '200ms', max: '500ms' },
    },
    health: { tcpSocket: {}, period: '1s', timeout: '500ms', failureThreshold: 3 },
    connection: { connectTimeout: '500ms' },
  };
}

function publish(withLeaving: boolean): void {
  const pod = (name: string, host: Host) => ({ name, addresses: [host.address] });
  for (const [portName, number] of [
    ['http', 8080],
    ['tcp', 8081],
  ] as const) {
    const stay = [pod('stay-0', vanishing), pod('stay-1', alive)];
    const leave = [...(withLeaving ? [pod('leave-0', leaving)] : []), pod('leave-1', alive)];
    dns.setService(STAY, portName, number, stay, 0);
    dns.setService(LEAVE, portName, number, leave, 0);
  }
}

beforeAll(async () => {
  [alive, vanishing, leaving, clients] = await Promise.all([
    Host.start(),
    Host.start(),
    Host.start(),
    Host.start(),
  ]);
  dns = await startDnsServer();
  await Promise.all([
    alive.program('pod.mjs', 'alive'),
    vanishing.program('pod.mjs', 'vanished'),
    leaving.program('pod.mjs', 'left'),
  ]);
  publish(true);
  const prefix = (path: string, name: string, selection: object) => ({
    name: path.slice(1),
    matches: [{ path: { type: 'PathPrefix', value: path } }],
    backendRefs: [{ name }],
    selection,
  });
  const first = { type: 'Ordinal', ordinal: 0 };
  const turns = { type: 'Balance', algorithm: 'RoundRobin' };
  const tcp = (name: string, selection: object = first) => ({
    name,
    address: ':0',
    protocol: 'TCP',
    rules: [{ name, backendRefs: [{ name }], selection }],
  });
  sidecar = await Sidecar.start({
    apiVersion: 'headroute.dev/v1alpha1',
    kind: 'ProxyConfig',
    backends: [
      backend('stay', STAY, 'http'),
      backend('leave', LEAVE, 'http'),
      backend('tcp-stay', STAY, 'tcp'),
      backend('tcp-leave', LEAVE, 'tcp'),
    ],
    listeners: [
      {
        name: 'app',
        address: ':0',
        protocol: 'HTTP',
        rules: [
          prefix('/stay', 'stay', turns),
          prefix('/stay-0', 'stay', first),
          prefix('/stay-1', 'stay', { type: 'Ordinal', ordinal: 1 }),
          prefix('/leave', 'leave', turns),
          prefix('/leave-0', 'leave', first),
        ],
      },
      tcp('tcp-stay'),
      tcp('tcp-leave'),
    ],
    admin: { address: '127.0.0.1:0' },
    debug: { address: '127.0.0.1:0' },
  });
  for (const name of ['stay', 'leave', 'tcp-stay', 'tcp-leave']) await sidecar.pods(2, 'ready', name);

  // Idle connections to each Pod.
  for (const path of ['/stay/slow', '/leave/slow'])
    await Promise.all(Array.from({ length: 8 }, () => ask('GET', path)));
  const idle = { tcp: await tunnel('tcp-stay', null), left: await tunnel('tcp-leave', null) };
  const busy = {
    tcp: await tunnel('tcp-stay', null),
    upgraded: await tunnel('app', '/stay-0/up'),
    left: await tunnel('app', '/leave-0/up'),
  };
  // What their Pods have received and acknowledged.
  const acknowledged = { stay: ask('POST', '/stay-0/hang'), left: ask('POST', '/leave-0/hang') };
  slowReader = dial('app');
  slowReader.write('GET /stay-1/bulk HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(slowReader, 'readable');
  await clients.program('client.mjs', clients.gateway, `${port('app')}`, '/stay-1/stream');
  await clients.program('client.mjs', clients.gateway, `${port('app')}`, '/stay-1/name');
  await new Promise((resolve) => setTimeout(resolve, 300));

  for (const host of [vanishing, leaving, clients]) host.vanish();
  vanishedAtMs = performance.now();
  ends.acknowledged = [acknowledged.stay];
  ends.tunnels = [ending(busy.tcp), ending(busy.upgraded)];
  ends.idle = [ending(idle.tcp)];
  ends.left = [ending(idle.left), ending(busy.left), acknowledged.left];
  for (const socket of Object.values(busy)) socket.write('nobody hears this');
  const asked = (method: string, path: string) => Array.from({ length: 4 }, () => ask(method, path));
  ends.gets = asked('GET', '/stay/name');
  ends.posts = asked('POST', '/stay/name');
  ends.leftGets = asked('GET', '/leave/name');
  ends.leftPosts = asked('POST', '/leave/name');
  setTimeout(() => publish(false), 1500);
}, 60_000);

afterAll(async () => {
  for (const socket of open) socket.destroy();
  await sidecar?.dispose();
  await dns?.close();
  for (const host of [alive, vanishing, leaving, clients]) host?.stop();
});

async function endsOf(name: string): Promise<readonly End[]> {
  return Promise.all(ends[name]!);
}

const slowest = (all: readonly End[]): number => Math.max(...all.map(({ afterMs }) => afterMs));

describe('a Pod that vanished and left DNS 1.5 s later', () => {
  it('B4 a GET sent to it on a pooled connection is answered by another', async () => {
    const all = await endsOf('leftGets');
    for (const { how } of all) expect(how).toMatch(/^HTTP\/1\.1 200 .*alive$/s);
    expect(slowest(all)).toBeLessThan(AT_ONCE_MS);
  });

  it('B4 a POST gets upstream_reset, for its outcome is unknown', async () => {
    const all = await endsOf('leftPosts');
    const failed = all.filter(({ how }) => !how.endsWith('alive'));
    expect(failed.length).toBeGreaterThan(0);
    for (const { how } of failed)
      expect(how).toContain('X-Headroute-Failure: upstream_reset\r\nX-Headroute-Sent: true');
    expect(slowest(all)).toBeLessThan(AT_ONCE_MS);
  });

  it('its tunnels are reset, and who waits for an answer is told', async () => {
    const all = await endsOf('left');
    expect(all.map(({ how }) => how.slice(0, 12))).toEqual(['ECONNRESET', 'ECONNRESET', 'HTTP/1.1 502']);
    expect(slowest(all)).toBeLessThan(AT_ONCE_MS);
  });
});

describe('a Pod that vanished and is still in DNS', () => {
  it('a GET sent to it on a pooled connection is answered by another', async () => {
    const all = await endsOf('gets');
    for (const { how } of all) expect(how).toMatch(/^HTTP\/1\.1 200 .*alive$/s);
    expect(slowest(all)).toBeLessThan(MARK_MS);
    const labels = { backend: 'stay', pod: 'stay-0', result: 'reset' };
    expect(await sidecar.metric('headroute_upstream_requests_total', labels)).toBeGreaterThan(0);
  });

  it('a POST gets upstream_reset', async () => {
    const all = await endsOf('posts');
    const failed = all.filter(({ how }) => !how.endsWith('alive'));
    expect(failed.length).toBeGreaterThan(0);
    for (const { how } of failed)
      expect(how).toContain('X-Headroute-Failure: upstream_reset\r\nX-Headroute-Sent: true');
    expect(slowest(all)).toBeLessThan(MARK_MS);
  });

  it('tunnels, TCP and upgraded, with bytes on their way to it are reset', async () => {
    const all = await endsOf('tunnels');
    expect(all.map(({ how }) => how)).toEqual(['ECONNRESET', 'ECONNRESET']);
    expect(slowest(all)).toBeLessThan(MARK_MS);
  });

  it('an idle tunnel is reset', async () => {
    const all = await endsOf('idle');
    expect(all.map(({ how }) => how)).toEqual(['ECONNRESET']);
    expect(slowest(all)).toBeLessThan(MARK_MS);
  });

  it('who waits for the answer to what it had acknowledged is told', async () => {
    const all = await endsOf('acknowledged');
    expect(all[0]!.how).toContain('X-Headroute-Failure: upstream_reset\r\nX-Headroute-Sent: true');
    expect(slowest(all)).toBeLessThan(MARK_MS);
  });
});

describe('clients', () => {
  it('that vanished, amid an answer or idle, are let go of', async () => {
    // This connection, the slow reader's, and no other that is not ended yet.
    await Promise.all(Object.values(ends).flat());
    await sidecar.until(
      async () => (await sidecar.metric('headroute_requests_in_flight', { rule: 'stay-1' })) <= 1,
      'the stream has ended',
      MARK_MS,
    );
    await sidecar.until(
      async () => (await sidecar.metric('headroute_connections', { listener: 'app' })) === 1,
      'only the slow reader is left',
      MARK_MS,
    );
    expect(performance.now() - vanishedAtMs).toBeLessThan(MARK_MS + 1000);
  });

  it('that are there but read nothing for 50 s are not cut', async () => {
    await new Promise((resolve) =>
      setTimeout(resolve, Math.max(0, 50_000 - (performance.now() - vanishedAtMs))),
    );
    let bytes = 0;
    slowReader.on('data', (data: Buffer) => {
      bytes += data.length;
    });
    await sidecar.until(async () => bytes > 8 * 2 ** 20, 'all of its answer');
  });
});
