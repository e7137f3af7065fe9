import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { requireTool, toolEnvironment } from '../../scripts/servers/location.mjs';
import { issue } from '../helpers/certificates.ts';
import { Secret } from '../helpers/tls-files.ts';
import { Child } from './support/child.ts';
import { CoreDns } from './support/coredns.ts';
import { eventually } from './support/eventually.ts';
import { Headroute, type SystemConfig } from './support/headroute.ts';
import { freePorts } from './support/ports.ts';
import { RedisClient } from './support/redis.ts';

/** Real servers over TLS that want a certificate of their clients', which is replaced while they are written to. */

const ca = issue({ name: 'CA', isCa: true });

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'headroute-tls-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Files of one who has a certificate. */
function files(name: string, names: readonly string[] = []) {
  const secret = new Secret();
  onTestFinished(() => secret.files.remove());
  const put = (): void => {
    const { cert, key } = issue({ name, names, signer: ca });
    secret.swap({ 'ca.crt': ca.cert, 'tls.crt': cert, 'tls.key': key });
  };
  put();
  const path = (file: string): string => secret.files.path(file);
  return { put, ca: path('ca.crt'), cert: path('tls.crt'), key: path('tls.key') };
}

async function started(config: SystemConfig): Promise<Headroute> {
  const headroute = await Headroute.start(config);
  onTestFinished(() => headroute.stop().then(() => {}));
  return headroute;
}

async function named(service: string, portName: string, pods: { name: string; a: string; port: number }[]) {
  const dns = await CoreDns.start({ service, portName, ttlSeconds: 5, pods });
  onTestFinished(() => dns.stop().then(() => {}));
  return { nameservers: [dns.address] };
}

function run(name: string, tool: 'etcd' | 'redis-server', args: readonly string[]): Child {
  const child = new Child(name, requireTool(tool), [...args], toolEnvironment(tool));
  onTestFinished(() => child.end('SIGKILL').then(() => {}));
  return child;
}

/** Counts a log line that tells of new certificates. */
function inForce(headroute: Headroute): number {
  return headroute.log.split('the changed certificates are in force').length - 1;
}

describe('etcd, for clients and peers', () => {
  it('is written to at its leader while our certificate is replaced, and no write fails', async () => {
    const service = 'etcd.prod.svc.cluster.local';
    const hosts = ['127.0.0.41', '127.0.0.42', '127.0.0.43'];
    const [client, peer] = await freePorts(2, hosts);
    const members = hosts.map((host, n) => ({ name: `etcd-${n}`, host }));
    const theirs = files('etcd', [service, `*.${service}`, ...hosts, '127.0.0.1']);
    const data = folder();
    for (const { name, host } of members)
      run(name, 'etcd', [
        `--name=${name}`,
        `--data-dir=${join(data, name)}`,
        `--listen-client-urls=https://${host}:${client}`,
        `--advertise-client-urls=https://${host}:${client}`,
        `--listen-peer-urls=https://${host}:${peer}`,
        `--initial-advertise-peer-urls=https://${host}:${peer}`,
        `--initial-cluster=${members.map((m) => `${m.name}=https://${m.host}:${peer}`).join()}`,
        `--cert-file=${theirs.cert}`,
        `--key-file=${theirs.key}`,
        `--trusted-ca-file=${theirs.ca}`,
        '--client-cert-auth',
        `--peer-cert-file=${theirs.cert}`,
        `--peer-key-file=${theirs.key}`,
        `--peer-trusted-ca-file=${theirs.ca}`,
        '--peer-client-cert-auth',
        '--log-level=error',
        '--unsafe-no-fsync',
      ]);
    const ours = files('headroute');
    const pods = members.map(({ name, host }) => ({ name, a: host, port: client! }));
    const headroute = await started({
      backends: [
        {
          name: 'etcd',
          service,
          port: 'client',
          discovery: await named(service, 'client', pods),
          health: { httpGet: { path: '/health' }, period: '500ms' },
          leader: { preset: 'etcd' },
          tls: { ca: ours.ca, cert: ours.cert, key: ours.key },
        },
      ],
      rules: [{ name: 'writes', backendRefs: [{ name: 'etcd' }], selection: { type: 'Leader' } }],
    });
    await eventually(async () => (await headroute.leader()) !== undefined, 'a leader');
    const failed: string[] = [];
    let written = 0;
    let isOver = false;
    const writers = Array.from({ length: 4 }, async (_, n) => {
      while (!isOver) {
        const body = JSON.stringify({ key: btoa(`k${n}`), value: btoa(`${written}`) });
        const response = await fetch(`http://${headroute.address}/v3/kv/put`, { method: 'POST', body });
        const text = await response.text();
        if (response.status === 200) written++;
        else failed.push(`${response.status} ${text}`);
      }
    });
    for (const round of [1, 2, 3]) {
      ours.put();
      await eventually(async () => inForce(headroute) === round, 'the new certificate');
      const before = written;
      await eventually(async () => written + failed.length >= before + 20, 'writes with it');
    }
    isOver = true;
    await Promise.all(writers);
    expect(failed).toEqual([]);
    expect(written).toBeGreaterThanOrEqual(60);
  });
});

describe('Redis with tls-port', () => {
  it('is written to at its master over TCP, plain for the client', async () => {
    const service = 'redis.prod.svc.cluster.local';
    const hosts = ['127.0.0.44', '127.0.0.45'];
    const [port] = await freePorts(1, hosts);
    const theirs = files('redis', [`*.${service}`]);
    const tls = [
      '--tls-port',
      `${port}`,
      '--port',
      '0',
      '--tls-cert-file',
      theirs.cert,
      '--tls-key-file',
      theirs.key,
      '--tls-ca-cert-file',
      theirs.ca,
    ];
    for (const [n, host] of hosts.entries())
      run(`redis-${n}`, 'redis-server', [
        ...tls,
        ...[
          '--bind',
          host,
          '--dir',
          folder(),
          '--save',
          '',
          '--tls-replication',
          'yes',
          '--tls-auth-clients',
          'yes',
        ],
        ...(n === 0 ? [] : ['--replicaof', hosts[0]!, `${port}`]),
      ]);
    const ours = files('headroute');
    const headroute = await started({
      backends: [
        {
          name: 'redis',
          service,
          port: 'redis',
          discovery: await named(
            service,
            'redis',
            hosts.map((host, n) => ({ name: `redis-${n}`, a: host, port: port! })),
          ),
          leader: { preset: 'redis' },
          tls: { ca: ours.ca, cert: ours.cert, key: ours.key },
        },
      ],
      rules: [{ name: 'all', backendRefs: [{ name: 'redis' }], selection: { type: 'Leader' } }],
      listener: { protocol: 'TCP' },
    });
    await eventually(async () => (await headroute.leader()) === 'redis-0', 'redis-0 leads');
    const client = await RedisClient.connect(headroute.address);
    expect(await client.ask('SET a 1')).toBe('+OK');
    ours.put();
    await eventually(async () => inForce(headroute) === 1, 'the new certificate');
    expect(await client.ask('SET a 2')).toBe('+OK');
    const another = await RedisClient.connect(headroute.address);
    expect(await another.ask('INCR a')).toBe(':3');
    for (const one of [client, another]) one.close();
  });
});
