import { expect, it } from 'vitest';
import { parseResolvConf } from '../../../src/control/discovery/wire/nameservers.ts';

it('reads nameserver lines as the C library does', () => {
  const text = [
    '# nameserver 9.9.9.9',
    '; nameserver 9.9.9.8',
    'search prod.svc.cluster.local svc.cluster.local',
    '  nameserver\t10.96.0.10  # kube-dns',
    'nameserver fe80::1%eth0\r',
    'nameserver not-an-address',
    'nameserver',
    'nameserver 10.96.0.10',
    'options ndots:5',
    'nameserver fd00::a',
    'nameserver 10.0.0.4',
  ].join('\n');
  expect(parseResolvConf(text)).toEqual([
    { host: '10.96.0.10', port: 53 },
    { host: 'fe80::1%eth0', port: 53 },
    { host: 'fd00::a', port: 53 },
  ]);
  expect(parseResolvConf('')).toEqual([]);
});
