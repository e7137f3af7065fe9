/** `metrics.podLabel`, the configuration's hash and the age of DNS in `/metrics` of the built program (SPEC 5). */
import { expect, it } from 'vitest';
import { readExposition, sampleValue } from '../observe/exposition.ts';
import { LEADER, listener, sidecar, stage } from './support/stage.ts';

const IN_TURN = [
  { name: 'all', backendRefs: [{ name: 'db' }], selection: { type: 'Balance', algorithm: 'RoundRobin' } },
];

it.concurrent('podLabel: false leaves the label out, counts Pods together, and lets no sum fall; a reload turns it', async (test) => {
  const scene = await stage(test);
  scene.pods[0]!.leads = true;
  const document = (podLabel: boolean) =>
    scene.document({
      backends: [scene.backend({ leader: LEADER })],
      listeners: [listener({ rules: IN_TURN })],
      metrics: { podLabel },
    });
  const running = await sidecar(test, document(false));
  await running.pods(2);
  for (let n = 0; n < 6; n++) await (await fetch(running.url)).text();
  const text = await running.scrape();
  for (const { samples } of readExposition(text).values())
    for (const { labels } of samples) expect(labels).not.toHaveProperty('pod');
  expect(sampleValue(text, 'headroute_upstream_responses_total', { backend: 'db', class: '2xx' })).toBe(6);
  expect(sampleValue(text, 'headroute_upstream_requests_total', { backend: 'db', result: 'ok' })).toBe(6);
  expect(sampleValue(text, 'headroute_pod_ready', { backend: 'db' })).toBe(2);
  expect(sampleValue(text, 'headroute_pod_leader', { backend: 'db' })).toBe(1);
  const probes = (of: string) =>
    sampleValue(of, 'headroute_probes_total', { backend: 'db', kind: 'health', result: 'success' })!;
  expect(probes(text)).toBeGreaterThan(1);

  scene.publish([scene.pods[0]!]);
  await running.pods(1);
  const without = await running.scrape();
  expect(probes(without)).toBeGreaterThanOrEqual(probes(text));
  expect(sampleValue(without, 'headroute_upstream_responses_total', { backend: 'db', class: '2xx' })).toBe(6);

  running.write(document(true));
  await running.log('the changed configuration is in force');
  await (await fetch(running.url)).text();
  const with1 = await running.scrape();
  expect(
    sampleValue(with1, 'headroute_upstream_responses_total', { backend: 'db', pod: 'db-0', class: '2xx' }),
  ).toBe(1);
  expect(sampleValue(with1, 'headroute_upstream_responses_total', { backend: 'db', class: '2xx' })).toBe(
    undefined,
  );
  running.write(document(false));
  await running.log('the changed configuration is in force', 2);
  await (await fetch(running.url)).text();
  const again = await running.scrape();
  expect(again).not.toContain('pod="db-0"');
  expect(sampleValue(again, 'headroute_upstream_responses_total', { backend: 'db', class: '2xx' })).toBe(1);
});

it.concurrent('the hash in force is that of /state, and another after a reload', async (test) => {
  const scene = await stage(test);
  const running = await sidecar(test, scene.document());
  const hashes = async () =>
    readExposition(await running.scrape())
      .get('headroute_config_info')!
      .samples.map(({ labels }) => labels.hash);
  const first = await hashes();
  expect(first).toEqual([(await running.state()).configHash]);
  running.write(scene.document({ log: { level: 'debug' } }));
  await running.log('the changed configuration is in force');
  expect(await hashes()).toEqual([(await running.state()).configHash]);
  expect(await hashes()).not.toEqual(first);
});

it.concurrent('DNS that never answered is as old as can be, and young when it has; an empty answer is an answer', async (test) => {
  const scene = await stage(test);
  scene.dns.onQuery = () => ({ do: 'rcode', rcode: 'SERVFAIL' });
  const running = await sidecar(test, scene.document());
  const last = () => running.metric('headroute_dns_last_success_timestamp_seconds', { backend: 'db' });
  const failed = { backend: 'db', type: 'SRV', result: 'servfail' };
  await running.until(
    async () => (await running.metric('headroute_dns_lookups_total', failed)) > 1,
    'failures',
  );
  expect(await last()).toBe(0);
  scene.dns.onQuery = null;
  await running.pods(2);
  const found = await last();
  expect(Math.abs(Date.now() / 1000 - found)).toBeLessThan(20);
  scene.dns.onQuery = () => ({ do: 'rcode', rcode: 'NXDOMAIN' });
  await running.until(
    async () => (await running.metric('headroute_dns_lookups_total', { ...failed, result: 'nxdomain' })) > 1,
    'empty answers',
  );
  expect(await last()).toBeGreaterThan(found);
});
