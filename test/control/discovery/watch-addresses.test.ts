import { expect, it, onTestFinished } from 'vitest';
import { watchAddresses } from '../../../src/control/discovery/questions/watch-addresses.ts';
import type { DnsServer } from '../../../src/demo/dns-server.ts';
import { backendFor, dnsServer, moreQueries, testDeps, until } from '../../helpers/dns.ts';
import { pause } from '../../helpers/waiting.ts';

const LEADER = 'db-leader.prod.svc.cluster.local';

async function scene(addresses: string[]) {
  const server: DnsServer = await dnsServer();
  server.setRecords(LEADER, 'A', addresses);
  const seen: (readonly string[])[] = [];
  const deps = testDeps();
  const backend = backendFor([server.address], 80, { queryTimeoutMs: 1500 });
  const watched = watchAddresses(
    backend,
    `${LEADER}.`,
    { onAddresses: (now) => void seen.push(now), onLookup() {} },
    deps,
  );
  onTestFinished(() => watched.close());
  await until(() => seen.length > 0 || server.queries.length > 3, 'the first answer');
  return { server, seen, watched, deps };
}

it('tells the addresses, and each change at once, whatever the order of records', async () => {
  const { server, seen, watched } = await scene(['10.0.0.2', '10.0.0.1']);
  expect(seen).toEqual([['10.0.0.1', '10.0.0.2']]);
  server.setRecords(LEADER, 'A', ['10.0.0.1', '10.0.0.2']);
  await moreQueries(server, 'A', 3);
  expect(seen).toHaveLength(1);
  server.setRecords(LEADER, 'A', ['10.0.0.3']);
  await until(() => seen.length === 2, 'the new leader');
  expect(seen[1]).toEqual(['10.0.0.3']);
  expect(watched.report()).toMatchObject({ question: `A, AAAA ${LEADER}.`, lastError: null });
});

it('believes NXDOMAIN at once: nobody leads (promise 3)', async () => {
  const { server, seen, watched } = await scene(['10.0.0.1']);
  server.setRecords(LEADER, 'A', null);
  await until(() => seen.length === 2, 'nobody');
  expect(seen[1]).toEqual([]);
  await until(() => watched.report().lastError?.includes('NXDOMAIN') ?? false, 'the reason');
});

it('keeps the last answer while look-ups fail', async () => {
  const { server, seen, watched } = await scene(['10.0.0.1']);
  server.onQuery = () => ({ do: 'rcode', rcode: 'SERVFAIL' });
  await moreQueries(server, 'A', 3);
  expect(seen).toHaveLength(1);
  expect(watched.report().lastError).toContain('SERVFAIL');
});

it('N4 does not wait for a family that is silent', async () => {
  const { server, seen, deps } = await scene(['10.0.0.1']);
  server.onQuery = (query) => (query.type === 'AAAA' ? { do: 'drop' } : { do: 'answer' });
  server.setRecords(LEADER, 'A', ['10.0.0.2']);
  const before = deps.metrics.dnsLookups.with('db', 'AAAA', 'timeout').value;
  await until(() => seen.length === 2, 'the new leader', 2500);
  expect(seen[1]).toEqual(['10.0.0.2']);
  // AAAA is still being waited for.
  expect(deps.metrics.dnsLookups.with('db', 'AAAA', 'timeout').value).toBe(before);
});

it("counts into the backend's metrics, and stops at close", async () => {
  const { server, watched, deps } = await scene(['10.0.0.1']);
  expect(deps.metrics.dnsLookups.with('db', 'A', 'success').value).toBeGreaterThan(0);
  watched.close();
  const before = server.queries.length;
  await pause(120);
  expect(server.queries.length).toBe(before);
});
