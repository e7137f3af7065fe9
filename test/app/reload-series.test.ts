/** Series of what 80 reloads renamed and removed do not stay in a scrape of the built program (SPEC 5; field-cases.md M1). */
import { expect, it } from 'vitest';
import { RawClient } from '../helpers/raw-client.ts';
import type { Sidecar } from './support/sidecar.ts';
import { type Document, freePort, LEADER, listener, sidecar, stage } from './support/stage.ts';

const IN_FORCE = 'the changed configuration is in force';
const GET = 'GET / HTTP/1.1\r\nHost: db\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: db\r\nContent-Length: 0\r\n\r\n';

/** Lines that are not the process's own, without their values. */
async function seriesOf(running: Sidecar): Promise<string[]> {
  return (await running.scrape())
    .split('\n')
    .filter((line) => line.startsWith('headroute_') && !line.startsWith('headroute_config_info'))
    .map((line) => line.slice(0, line.lastIndexOf(' ')));
}

it('80 reloads that rename, add and remove backends, listeners and rules leave a scrape as long as it was', async (test) => {
  const scene = await stage(test, ['db-0', 'db-1']);
  scene.pods[0]!.leads = true;
  const port = await freePort();
  const passing = await freePort();
  const backend = (name: string): Document => scene.backend({ name, leader: LEADER });
  const rules = (name: string, to: string): Document[] => [
    { name: `${name}-reads`, matches: [{ method: 'GET' }], backendRefs: [{ name: to }] },
    { name: `${name}-writes`, backendRefs: [{ name: to }], selection: { type: 'Leader' } },
  ];
  const at = (name: string, number: number, to: string): Document =>
    listener({ name, address: `127.0.0.1:${number}`, rules: rules(name, to) });
  const first = scene.document({ backends: [backend('db')], listeners: [at('app', port, 'db')] });
  /** In turn: the listener, the backend, both with all their rules; beside it a listener that was not there before. */
  const changed = (n: number): Document => {
    const to = n % 3 === 0 ? 'db' : `b${n}`;
    const name = n % 3 === 1 ? 'app' : `l${n}`;
    const more = n % 2 === 0 ? [] : [at(`x${n}`, passing, to)];
    return scene.document({ backends: [backend(to)], listeners: [at(name, port, to), ...more] });
  };
  const running = await sidecar(test, first);
  await running.pods(2);
  await running.until(
    async () => (await running.state()).backends[0]!.leadership.leader !== null,
    'a leader',
  );
  const client = await RawClient.connect(port);
  const traffic = async (): Promise<void> => {
    for (const request of [GET, POST]) expect((await client.exchange(request)).status).toBe(200);
  };
  let reloads = 0;
  const reload = async (document: Document): Promise<void> => {
    running.write(document);
    running.signal('SIGHUP');
    reloads++;
    await running.log(IN_FORCE, reloads, 20_000);
    await traffic();
  };
  await traffic();
  const before = await running.until(async () => {
    const series = await seriesOf(running);
    // Balance has been to both Pods.
    await client.exchange(GET);
    return ['db-0', 'db-1'].every((pod) =>
      series.some((line) => line.startsWith('headroute_upstream_requests_total') && line.includes(pod)),
    )
      ? series
      : null;
  }, 'series of both Pods');
  for (let n = 0; n < 79; n++) await reload(changed(n));
  await reload(first);
  let more: string[] = [];
  const settled = async (): Promise<boolean> => {
    await traffic();
    const after = await seriesOf(running);
    more = after.filter((line) => !before.includes(line));
    return more.length === 0;
  };
  await running.until(settled, 'the series of other names gone', 10_000).catch(() => {});
  expect(more).toEqual([]);
  client.destroy();
}, 120_000);
