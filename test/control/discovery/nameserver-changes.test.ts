/**
 * Nameservers that lose datagrams, change or come late; refreshSoon and close, over real sockets against the embedded server. D ids: dns-cases.json
 * (CoreDNS, nginx-tests, RFCs). From the field: N6 kubernetes#56903.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  backendFor,
  dnsServer,
  moreQueries,
  pods,
  SERVICE,
  testDeps,
  until,
  watch,
} from '../../helpers/dns.ts';
import { loopNowMs, pause } from '../../helpers/waiting.ts';

/** An address that nobody listens on; as no other test uses its host, only a socket bound to every address could take it. */
async function vacantAddress(): Promise<{ host: string; port: number }> {
  const host = `127.28.${(process.pid >> 8) & 255}.${process.pid & 255}`;
  const holder = createSocket('udp4');
  holder.bind(0, host);
  await once(holder, 'listening');
  const { port } = holder.address();
  await new Promise<void>((done) => holder.close(() => done()));
  return { host, port };
}

/** Binds an address as soon as it can be: a query's socket, bound to every address, may have the port for some time. */
async function onceFree<T>(bind: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await bind();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || tries === 200) throw error;
      await pause(10);
    }
  }
}

describe('nameservers', () => {
  it('N6 a nameserver that drops the second datagram of a source port does no harm', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, null, 80, pods(3));
    const lastAt = new Map<number, number>();
    server.onQuery = ({ source }) => {
      const last = lastAt.get(source.port) ?? Number.NEGATIVE_INFINITY;
      lastAt.set(source.port, performance.now());
      return performance.now() - last < 5 ? { do: 'drop' } : { do: 'answer' };
    };
    const startedAt = loopNowMs();
    const watched = watch(backendFor([server.address], 80));
    await until(() => watched.names().length === 3, 'three Pods');
    expect(loopNowMs() - startedAt).toBeLessThan(600);
  });

  it('N6 a lost datagram alone is asked for again, within queryTimeout', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, null, 80, pods(3));
    let lost = 0;
    server.onQuery = (query) => (query.type === 'A' && lost++ === 0 ? { do: 'drop' } : { do: 'answer' });
    const startedAt = loopNowMs();
    const watched = watch(backendFor([server.address], 80));
    await until(() => watched.names().length === 3, 'three Pods');
    expect(loopNowMs() - startedAt).toBeLessThan(600);
    expect(server.queries.filter((query) => query.type === 'AAAA')).toHaveLength(1);
  });

  it('D28 resolv.conf that appears, changes and vanishes is followed without a restart', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'headroute-dns-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, 'resolv.conf');
    const deps = { ...testDeps(), resolvConf: path };
    const watched = watch(backendFor(null, 'http'), deps);
    await until(() => watched.attempts() === 1, 'a first look-up that failed');
    expect(watched.discovery.report().lastError).toContain('no nameserver');
    expect(watched.count('SRV', 'error')).toBeGreaterThan(0);
    // Port 53 of a loopback address that nobody listens on: refused, which shows that the file was read.
    await writeFile(`${path}.new`, 'search prod.svc\noptions ndots:5\nnameserver 127.0.0.77\n');
    await rename(`${path}.new`, path);
    await until(
      () => watched.discovery.report().lastError?.includes('127.0.0.77') ?? false,
      'the first server',
    );
    await writeFile(path, 'nameserver 127.0.0.78\n');
    await until(
      () => watched.discovery.report().lastError?.includes('127.0.0.78') ?? false,
      'the second server',
    );
    await rm(path);
    const before = watched.count('SRV', 'error');
    await until(() => watched.count('SRV', 'error') > before + 2, 'it goes on');
    expect(watched.discovery.report().lastError).toContain('127.0.0.78');
  });

  it('D28 a server that is unreachable at first: the attempt ends, and Pods are found once it is there', async () => {
    const { host, port } = await vacantAddress();
    const watched = watch(backendFor([{ host, port }], 'http'));
    await until(() => watched.attempts() === 1, 'the first attempt');
    expect(watched.sets).toEqual([]);
    const server = await onceFree(() => dnsServer({ host, port }));
    server.setService(SERVICE, 'http', 80, pods(3));
    await until(() => watched.names().length === 3, 'three Pods');
    expect(watched.attempts()).toBe(1);
  });
});

it('refreshSoon asks again before the TTL is over', async () => {
  const server = await dnsServer();
  server.setService(SERVICE, 'http', 80, pods(1));
  const watched = watch(backendFor([server.address], 'http', { refreshMinMs: 20, refreshMaxMs: 30_000 }));
  await until(() => watched.names().length === 1, 'one Pod');
  server.setService(SERVICE, 'http', 80, pods(2));
  watched.discovery.refreshSoon();
  await until(() => watched.names().length === 2, 'two Pods', 500);
});

it('close stops the queries and says nothing more', async () => {
  const server = await dnsServer();
  server.setService(SERVICE, 'http', 80, pods(1));
  const watched = watch(backendFor([server.address], 'http'));
  await until(() => watched.names().length === 1, 'one Pod');
  server.onQuery = () => ({ do: 'delay', ms: 20 });
  await moreQueries(server, 'SRV', 1);
  watched.discovery.close();
  server.setService(SERVICE, 'http', 80, pods(2));
  const before = server.queries.length;
  await pause(150);
  expect(server.queries.length).toBe(before);
  expect(watched.sets).toHaveLength(1);
});
