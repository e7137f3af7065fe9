/**
 * B13 (varnish-cache#2622, haproxy#579): the sidecar's host has 81 local ports, and all are in use. That is no Pod's fault: none
 * turns unready, and what is open stays open. Source: issue 16 item 6; SPEC 3, Health.
 */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DnsServer, startDnsServer } from '../../src/demo/dns-server.ts';
import { Sidecar } from '../app/support/sidecar.ts';
import { type Document, SERVICE } from '../app/support/stage.ts';
import { Host } from './support/host.ts';

const PORTS = 81;
const SHORT = 110;

let host: Host;
let dns: DnsServer;
let pod: Server;
let role: Server;
let sidecar: Sidecar;
const clients: Socket[] = [];

beforeEach(async () => {
  host = await Host.start();
  host.run('sh', '-c', `echo 40000 ${40_000 + PORTS - 1} >/proc/sys/net/ipv4/ip_local_port_range`);
  // HTTP that never answers, or an echo: whatever comes is sent back unless it is a GET.
  pod = await listen((socket) => {
    socket.on('data', (bytes) => {
      if (!bytes.toString('latin1').startsWith('GET ')) socket.write(bytes);
    });
  });
  role = await listen((socket) =>
    socket.once('data', () =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'),
    ),
  );
  dns = await startDnsServer({ host: host.gateway });
  dns.setService(SERVICE, 'db', portOf(pod), [{ name: 'db-0', addresses: [host.gateway] }], 1);
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await sidecar?.dispose();
  await dns.close();
  for (const server of [pod, role]) server.close();
  host.stop();
});

async function listen(serve: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, host.gateway, resolve));
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function document(protocol: 'TCP' | 'HTTP', selection: Document): Document {
  return {
    apiVersion: 'headroute.dev/v1alpha1',
    kind: 'ProxyConfig',
    backends: [
      {
        name: 'db',
        service: SERVICE,
        port: 'db',
        discovery: { nameservers: [`${dns.address.host}:${dns.address.port}`] },
        health: { tcpSocket: {}, period: '500ms', timeout: '1s', failureThreshold: 3 },
        leader: {
          type: 'Probe',
          probe: { httpGet: { path: '/leader', port: portOf(role) }, period: '200ms', timeout: '2s' },
        },
      },
    ],
    listeners: [
      {
        name: 'app',
        address: `${host.address}:7000`,
        protocol,
        rules: [{ name: 'all', backendRefs: [{ name: 'db' }], selection }],
      },
    ],
    admin: { address: `${host.address}:0` },
    debug: { address: '127.0.0.1:0' },
  };
}

async function start(protocol: 'TCP' | 'HTTP', selection: Document): Promise<void> {
  sidecar = await Sidecar.start(document(protocol, selection), { launcher: host.launcher });
  await sidecar.until(() => leads(), 'db-0 leads', 10_000);
}

const leads = async (): Promise<boolean> =>
  (await sidecar.metric('headroute_pod_leader', { backend: 'db', pod: 'db-0' })) === 1;
const localErrors = (name: string, more: Record<string, string> = {}): Promise<number> =>
  sidecar.metric(name, { backend: 'db', pod: 'db-0', result: 'local_error', ...more });

async function client(): Promise<Socket> {
  const socket = connect({ host: host.address, port: 7000 });
  socket.on('error', () => {});
  clients.push(socket);
  await once(socket, 'connect');
  return socket;
}

/** Probes have failed for want of a port for five periods. */
function wantOfPorts(): Promise<unknown> {
  return sidecar.until(
    async () => (await localErrors('headroute_probes_total', { kind: 'health' })) >= 5,
    'probes lack ports',
    15_000,
  );
}

function echoed(socket: Socket, text: string): Promise<string> {
  return new Promise((resolve) => {
    socket.once('data', (bytes) => resolve(bytes.toString()));
    socket.once('close', () => resolve('closed'));
    socket.write(text);
  });
}

describe('81 local ports, all of them in use', () => {
  it('B13 one long and 110 short TCP connections to the leader: it stays, and so does the long one', async () => {
    await start('TCP', { type: 'Leader' });
    const long = await client();
    expect(await echoed(long, 'one')).toBe('one');
    let ended = 0;
    for (let n = 0; n < SHORT; n++) (await client()).on('close', () => ended++).resume();
    await wantOfPorts();
    expect(await leads()).toBe(true);
    expect(await echoed(long, 'two')).toBe('two');
    expect(sidecar.logs.filter(({ msg, state }) => msg === 'Pod changed state' && state !== 'ready')).toEqual(
      [],
    );
    expect(ended).toBeGreaterThanOrEqual(SHORT - PORTS + 1);
    expect(await localErrors('headroute_upstream_requests_total')).toBeGreaterThanOrEqual(SHORT - PORTS + 1);
    const warnings = sidecar.logs.filter(({ msg }) => msg === 'local error');
    expect(warnings.map(({ what }) => what).sort()).toEqual(['connection to a Pod', 'probe']);
  });

  it('HTTP requests beyond them get overloaded, with nothing sent, and the Pod is not blamed', async () => {
    await start('HTTP', { type: 'Balance' });
    const answers: string[] = [];
    for (let n = 0; n < SHORT; n++) {
      const socket = await client();
      socket.once('data', (bytes) => answers.push(bytes.toString('latin1')));
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    }
    await wantOfPorts();
    expect(answers.length).toBeGreaterThanOrEqual(SHORT - PORTS);
    for (const answer of answers) {
      expect(answer).toMatch(/^HTTP\/1\.1 503 /);
      expect(answer).toContain('X-Headroute-Failure: overloaded\r\nX-Headroute-Sent: false');
      expect(answer).toContain('no local port or address is free (EADDRNOTAVAIL)');
    }
    expect(sidecar.logs.filter(({ msg, state }) => msg === 'Pod changed state' && state !== 'ready')).toEqual(
      [],
    );
  });
});
