import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { CoreDns } from './support/coredns.ts';
import { eventually } from './support/eventually.ts';
import { Headroute } from './support/headroute.ts';
import { freePorts } from './support/ports.ts';
import { kept, stopAll } from './support/running.ts';
import { WebPod } from './support/web-pod.ts';
import type { HeadlessService, ZonePod } from './support/zone.ts';

/**
 * Discovery from a real DNS server. The records are those of the Kubernetes DNS specification 1.1.0; the Pods are small servers on
 * loopback addresses of their own, so that a request shows which of them it reached.
 */

const SERVICE = 'db.prod.svc.cluster.local';
const HOSTS = ['127.0.0.21', '127.0.0.22', '127.0.0.23', '127.0.0.24'];

afterEach(stopAll);

const named = (pods: readonly ZonePod[]): HeadlessService => ({
  service: SERVICE,
  portName: 'http',
  ttlSeconds: 1,
  pods,
});

/** db-0 … on one port, each on an address of its own; the last has an IPv6 address too where the machine has IPv6. */
async function webPods(count: number): Promise<ZonePod[]> {
  const hosts = HOSTS.slice(0, count);
  const v6 = Object.values(networkInterfaces()).some((list) =>
    list?.some(({ address }) => address === '::1'),
  );
  const [port] = await freePorts(1, v6 ? [...hosts, '::1'] : hosts);
  const pods: ZonePod[] = [];
  for (const [ordinal, a] of hosts.entries()) {
    const aaaa = v6 && ordinal === count - 1 ? '::1' : undefined;
    await kept(WebPod.start(`db-${ordinal}`, port!, aaaa === undefined ? [a] : [a, aaaa]));
    pods.push({ name: `db-${ordinal}`, a, aaaa, port: port! });
  }
  return pods;
}

function routes(dns: CoreDns, port: string | number, discovery: object = {}, period = '500ms') {
  const refresh = { min: '200ms', max: '1s' };
  const backend = {
    name: 'db',
    service: SERVICE,
    port,
    discovery: { nameservers: [dns.address], refresh, queryTimeout: '500ms', ...discovery },
    health: { tcpSocket: {}, period },
  };
  const refs = [{ name: 'db' }];
  const one = { type: 'Ordinal', key: { header: 'X-Pod' }, mapping: { type: 'Exact' } };
  const withKey = [{ headers: [{ name: 'X-Pod', type: 'RegularExpression', value: '.+' }] }];
  return Headroute.start({
    backends: [backend],
    rules: [
      { name: 'one', matches: withKey, backendRefs: refs, selection: one },
      { name: 'any', backendRefs: refs, selection: { type: 'Balance', algorithm: 'RoundRobin' } },
    ],
  });
}

async function ask(headroute: Headroute, pod?: string) {
  const headers: Record<string, string> = pod === undefined ? {} : { 'x-pod': pod };
  const answer = await fetch(`http://${headroute.address}/`, { headers });
  return {
    status: answer.status,
    pod: await answer.text(),
    failure: answer.headers.get('x-headroute-failure'),
  };
}

async function ready(headroute: Headroute, names: readonly string[]): Promise<void> {
  await eventually(async () => {
    const found = await headroute.readyPods();
    if (found.join() !== names.join()) throw new Error(`ready are ${found.join() || 'none'}`);
    return true;
  }, `${names.join()} are ready`);
}

/** Pods in any state. */
const known = async (headroute: Headroute) =>
  (await headroute.samples('headroute_pods')).reduce((sum, { value }) => sum + value, 0);

describe('a real CoreDNS', () => {
  it('names the Pods by SRV: each is reached by its ordinal, and all of them by balance', async () => {
    const pods = await webPods(3);
    const dns = await kept(CoreDns.start(named(pods)));
    const headroute = await kept(routes(dns, 'http'));
    await ready(headroute, ['db-0', 'db-1', 'db-2']);
    for (const { name } of pods) expect(await ask(headroute, name)).toMatchObject({ status: 200, pod: name });
    expect(await ask(headroute, '2')).toMatchObject({ status: 200, pod: 'db-2' });
    const reached = new Set<string>();
    for (let n = 0; n < 6; n++) reached.add((await ask(headroute)).pod);
    expect([...reached].sort()).toEqual(['db-0', 'db-1', 'db-2']);
    // Two addresses are still one Pod.
    expect(await known(headroute)).toBe(3);
  });

  it('takes the port of each Pod from its own SRV record', async () => {
    const ports = await freePorts(2);
    const pods = ports.map((port, n) => ({ name: `db-${n}`, a: '127.0.0.1', port }));
    for (const { name, port, a } of pods) await kept(WebPod.start(name, port, [a]));
    const dns = await kept(CoreDns.start(named(pods)));
    const headroute = await kept(routes(dns, 'http'));
    await ready(headroute, ['db-0', 'db-1']);
    for (const { name } of pods) expect(await ask(headroute, name)).toMatchObject({ status: 200, pod: name });
  });

  it('names the Pods by PTR where the port is a number', async () => {
    const pods = await webPods(3);
    const dns = await kept(CoreDns.start(named(pods)));
    const headroute = await kept(routes(dns, pods[0]!.port));
    await ready(headroute, ['db-0', 'db-1', 'db-2']);
    for (const { name } of pods) expect(await ask(headroute, name)).toMatchObject({ status: 200, pod: name });
  });

  it('asks for the Pods of a StatefulSet by name', async () => {
    const pods = await webPods(3);
    const dns = await kept(CoreDns.start(named(pods)));
    const statefulSet = { name: 'db', replicas: 3, start: 0 };
    const headroute = await kept(routes(dns, pods[0]!.port, { statefulSet }));
    await ready(headroute, ['db-0', 'db-1', 'db-2']);
    expect(await ask(headroute, 'db-1')).toMatchObject({ status: 200, pod: 'db-1' });
  });

  it('follows the zone: a Pod that joins is used, one that leaves is not, and no request fails meanwhile', async () => {
    const pods = await webPods(4);
    const dns = await kept(CoreDns.start(named(pods.slice(0, 3))));
    const headroute = await kept(routes(dns, 'http'));
    await ready(headroute, ['db-0', 'db-1', 'db-2']);

    const statuses = new Map<number, number>();
    let loading = true;
    const load = (async () => {
      while (loading) {
        const { status } = await ask(headroute);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    })();
    expect(await ask(headroute, 'db-3')).toMatchObject({ status: 503, failure: 'ordinal_unavailable' });
    dns.publish(named(pods));
    await eventually(async () => (await ask(headroute, 'db-3')).pod === 'db-3', 'db-3 has joined');
    dns.publish(named(pods.filter(({ name }) => name !== 'db-1')));
    await eventually(async () => (await ask(headroute, 'db-1')).status === 503, 'db-1 has left');
    await ready(headroute, ['db-0', 'db-2', 'db-3']);
    loading = false;
    await load;
    expect([...statuses.keys()]).toEqual([200]);
  });

  it('keeps its Pods through an outage of the DNS server', async () => {
    const pods = await webPods(2);
    const dns = await kept(CoreDns.start(named(pods)));
    const headroute = await kept(routes(dns, 'http', { emptyHold: '1s' }));
    await ready(headroute, ['db-0', 'db-1']);
    const failed = async () =>
      (await headroute.samples('headroute_dns_lookups_total'))
        .filter(({ labels }) => labels.result !== 'success' && labels.result !== 'ok')
        .reduce((sum, { value }) => sum + value, 0);
    await dns.stop();
    const before = await failed();
    await eventually(async () => (await failed()) >= before + 4, 'look-ups fail');
    expect(await headroute.readyPods()).toEqual(['db-0', 'db-1']);
    expect(await ask(headroute, 'db-1')).toMatchObject({ status: 200, pod: 'db-1' });
  });

  it.each([
    [300, 'over TCP: UDP carries a part of it only'],
    [1200, 'although CoreDNS cuts the answer even over TCP'],
  ])('knows every Pod of a Service of %i, %s', async (count) => {
    const many = Array.from({ length: count }, (_, n) => ({
      name: `db-${n}`,
      a: `127.0.${1 + Math.floor(n / 200)}.${1 + (n % 200)}`,
      port: 9,
    }));
    const dns = await kept(CoreDns.start(named(many)));
    // Nobody listens there: the probes need not be many.
    const headroute = await kept(routes(dns, 'http', {}, '30s'));
    await eventually(async () => {
      const found = await known(headroute);
      if (found !== count) throw new Error(`${found} are known`);
      return true;
    }, `${count} Pods are known`);
  });
});
