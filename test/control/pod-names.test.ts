/** Which Pod a name or address from outside means, where several Pods of a list are at one host. */
import { expect, it } from 'vitest';
import { isNamedBy } from '../../src/control/pod-names.ts';
import { member } from './harness.ts';

const HOST = 'host.docker.internal';
const [zero, one] = ['redis-0', 'redis-1'].map((name, n) => ({
  ...member(name, '10.0.0.1', 6379 + n),
  dnsName: HOST,
  sharesHost: true as const,
})) as [ReturnType<typeof member>, ReturnType<typeof member>];

it.each([
  ['//10.0.0.1:6380', [false, true]],
  [`//${HOST}:6380`, [false, true]],
  [`http://${HOST}/`, [true, true]],
  ['//redis-0:9999', [true, false]],
])('%s', (hint, expected) => {
  expect([zero, one].map((pod) => isNamedBy(hint, pod))).toEqual(expected);
});

it('the DNS name of a Pod of its own means it at any port', () => {
  expect(isNamedBy('http://redis-0.db.prod.svc.cluster.local:9999/', member('redis-0', '10.0.0.1'))).toBe(
    true,
  );
});
