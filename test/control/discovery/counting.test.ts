/** Look-ups of an asker whose backend has another name by now, or is gone, leave no series behind (field-cases.md M1). */
import { expect, it } from 'vitest';
import { backendResolver } from '../../../src/control/discovery/wire/backend-resolver.ts';
import { startDnsServer } from '../../../src/demo/dns-server.ts';
import { Metrics } from '../../../src/observe/metrics.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { silentLogger } from '../../../src/platform/logger.ts';
import { backendConfig } from '../../helpers/config.ts';

it.each([
  [true, [['db', 'A', 'success']]],
  [false, []],
])('counted: %s', async (isCounted, series) => {
  const dns = await startDnsServer();
  dns.setService(
    'db.prod.svc.cluster.local',
    'http',
    80,
    [{ name: 'db-0', addresses: ['127.0.0.1'], port: 80 }],
    1,
  );
  const metrics = new Metrics();
  const plain = backendConfig();
  const backend = { ...plain, discovery: { ...plain.discovery, nameservers: [dns.address] } };
  const deps = { clock: systemClock, random: Math.random, metrics, logger: silentLogger };
  const resolver = backendResolver(backend, { ...deps, isCounted: (name) => name === 'db' && isCounted });
  await resolver.lookup('db.prod.svc.cluster.local', 'A');
  const counted = [...metrics.dnsLookups.cells()].filter(({ value }) => value > 0);
  expect(counted.map(({ labels }) => labels)).toEqual(series);
  resolver.close();
  await dns.close();
});

it('what can be asked is there with 0 before anything is, by the kind of port', () => {
  const typesOf = (port: string | number): string[] => {
    const metrics = new Metrics();
    const deps = { clock: systemClock, random: Math.random, metrics, logger: silentLogger };
    backendResolver({ ...backendConfig(), port }, deps).close();
    const cells = [...metrics.dnsLookups.cells()];
    expect(cells.map(({ value }) => value)).toEqual(cells.map(() => 0));
    return [...new Set(cells.map(({ labels }) => labels[1]!))];
  };
  expect(typesOf('http')).toEqual(['SRV', 'A', 'AAAA']);
  expect(typesOf(80)).toEqual(['A', 'AAAA', 'PTR']);
});
