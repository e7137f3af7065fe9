/**
 * Reloads of the built program (SPEC 2, Reload; field-cases.md, Reload and ConfigMap): what is in force afterwards, what is
 * logged and what is counted.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { pause } from '../helpers/waiting.ts';
import { sampleValue } from '../observe/exposition.ts';
import { ConfigMap } from './support/config-map.ts';
import type { Sidecar } from './support/sidecar.ts';
import { type Document, freePort, listener, type Scope, sidecar, stage, takenPort } from './support/stage.ts';

const IN_FORCE = 'the changed configuration is in force';
const INVALID = 'the changed configuration is invalid';
const IMPOSSIBLE = 'the changed configuration cannot take effect';

/** Rules that tell by their name which version of the file is in force. */
function rules(name: string): Document[] {
  return [{ name, backendRefs: [{ name: 'db' }] }];
}

async function ruleInForce(running: Sidecar): Promise<string | null> {
  const response = await fetch(running.url);
  await response.text();
  return response.headers.get('x-headroute-rule');
}

async function reloads(running: Sidecar): Promise<{ success: number; failure: number; last: number }> {
  const text = await running.scrape();
  const counted = (result: string) => sampleValue(text, 'headroute_config_reloads_total', { result }) ?? 0;
  return {
    success: counted('success'),
    failure: counted('failure'),
    last: sampleValue(text, 'headroute_config_last_reload_successful', {}) ?? -1,
  };
}

/** A sidecar whose file is in a ConfigMap, first as `version('v0')`; each version is told by the name of its rule. */
async function mounted(scope: Scope) {
  const root = mkdtempSync(join(tmpdir(), 'headroute-map-'));
  scope.onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const scene = await stage(scope);
  const version = (name: string): Document =>
    scene.document({ listeners: [listener({ debugHeaders: true, rules: rules(name) })] });
  const map = new ConfigMap(join(root, 'map'), version('v0'));
  return { map, version, running: await sidecar(scope, null, { file: map.file }) };
}

it.concurrent('C1 (traefik#2057, mediamtx#181): each of five swaps of ..data 300 ms apart, and one later, is in force within a second and counted once', async (test) => {
  const { map, version, running } = await mounted(test);
  const before = await reloads(running);
  for (const n of [1, 2, 3, 4, 5]) {
    map.swap(version(`v${n}`));
    await pause(300);
  }
  await running.until(async () => (await ruleInForce(running)) === 'v5', 'v5 in force', 1000);
  await pause(700);
  map.swap(version('v6'));
  await running.until(async () => (await ruleInForce(running)) === 'v6', 'v6 in force', 1000);
  const after = await reloads(running);
  const counted = after.success - before.success;
  expect(after).toMatchObject({ failure: 0, last: 1 });
  // Those that came while another took effect may be passed over; none is counted twice.
  expect(counted).toBeGreaterThanOrEqual(2);
  expect(counted).toBeLessThanOrEqual(6);
  expect(running.count(IN_FORCE)).toBe(counted);
  // The same content again is no change.
  map.swap(version('v6'));
  await pause(300);
  expect(await reloads(running)).toEqual(after);
});

it.concurrent('a ConfigMap removed and put back is survived: the running rules stay, what comes back is taken', async (test) => {
  const { map, version, running } = await mounted(test);
  await running.pods(2);
  map.remove();
  await running.log('cannot be read; the running configuration stays');
  expect(await ruleInForce(running)).toBe('v0');
  expect(await reloads(running)).toMatchObject({ failure: 0 });
  map.putBack(version('v1'));
  // No event comes from a directory that was not there: it is looked for every second.
  await running.until(async () => (await ruleInForce(running)) === 'v1', 'v1 in force', 2000);
  map.swap(version('v2'));
  await running.until(async () => (await ruleInForce(running)) === 'v2', 'v2 in force', 1000);
  // An optional ConfigMap that is deleted leaves an empty directory behind ..data.
  map.swap(null);
  await running.log('cannot be read; the running configuration stays', 2);
  expect(await ruleInForce(running)).toBe('v2');
  map.swap(version('v3'));
  await running.until(async () => (await ruleInForce(running)) === 'v3', 'v3 in force', 1000);
  expect(running.exit).toBe(null);
});

it.concurrent('C6 (chproxy#589): where the second new listener cannot be bound nothing of the change takes effect, it is logged and counted', async (test) => {
  const taken = await takenPort(test);
  const { port } = taken;
  const free = await freePort();
  const scene = await stage(test);
  const running = await sidecar(
    test,
    scene.document({ listeners: [listener({ debugHeaders: true, rules: rules('old') })] }),
  );
  await running.pods(2);
  const before = await running.state();
  const changed = [
    listener({ debugHeaders: true, rules: rules('new') }),
    listener({ name: 'fine', address: `127.0.0.1:${free}` }),
    listener({ name: 'second', address: `127.0.0.1:${port}` }),
  ];
  running.write(scene.document({ listeners: changed }));
  const { problems, level } = await running.log(IMPOSSIBLE);
  expect(level).toBe('warn');
  const line = readFileSync(running.file, 'utf8')
    .split('\n')
    .findIndex((text) => text.includes(`127.0.0.1:${port}`));
  expect(problems).toEqual([
    expect.stringMatching(
      new RegExp(`headroute\\.yaml:${line + 1}:14: listeners\\[2\\]\\.address: cannot listen on 127.*in use`),
    ),
  ]);
  expect(await ruleInForce(running)).toBe('old');
  expect(await reloads(running)).toMatchObject({ failure: 1, last: 0 });
  const after = await running.state();
  expect([after.configHash, after.listeners.map(({ name }) => name)]).toEqual([before.configHash, ['app']]);
  // The listener that could be bound was given up again.
  await expect(fetch(`http://127.0.0.1:${free}`)).rejects.toThrow();
  // Once the port is free the same content, touched, can take effect.
  await taken.close();
  running.write(scene.document({ listeners: [...changed, listener({ name: 'third' })] }));
  await running.log(IN_FORCE);
  expect(await ruleInForce(running)).toBe('new');
  expect(await reloads(running)).toMatchObject({ failure: 1, last: 1 });
  expect((await fetch(`http://127.0.0.1:${port}`)).status).toBe(200);
});

it.concurrent('an invalid file is logged with every problem and its place, counted, and the running configuration stays', async (test) => {
  const scene = await stage(test);
  const good = scene.document({ listeners: [listener({ debugHeaders: true, rules: rules('good') })] });
  const running = await sidecar(test, good);
  await running.pods(2);
  running.write('apiVersion: headroute.dev/v1alpha1\nkind: ProxyConfig\nbackends: [\n');
  const unparsable = await running.log(INVALID, 1);
  expect((unparsable.problems as string[])[0]).toMatch(/headroute\.yaml:\d+:\d+: /);
  running.write({ ...good, listners: [], shutdown: { timeout: 'soon' } });
  const wrong = await running.log(INVALID, 2);
  expect((wrong.problems as string[]).join('\n')).toMatch(/listners.*listeners/);
  expect((wrong.problems as string[]).join('\n')).toMatch(/shutdown\.timeout/);
  running.write(Buffer.from([0xff, 0xfe, 0x00]).toString('latin1'));
  await running.log(INVALID, 3);
  expect(await ruleInForce(running)).toBe('good');
  expect(await reloads(running)).toMatchObject({ failure: 3, last: 0 });
  // Back to the content in force: nothing to change, and nothing wrong any more.
  running.write(good);
  await running.until(async () => (await reloads(running)).last === 1, 'the good file counts');
});

it.concurrent('a change of admin, debug or self "needs a restart"; the rest of that file is not taken either', async (test) => {
  const scene = await stage(test);
  const base = scene.document({ listeners: [listener({ debugHeaders: true, rules: rules('old') })] });
  const running = await sidecar(test, base);
  await running.pods(2);
  running.write({
    ...base,
    listeners: [listener({ debugHeaders: true, rules: rules('new') })],
    admin: { address: '127.0.0.1:9' },
    debug: { address: '127.0.0.2:0' },
    self: { podName: 'app-0' },
  });
  const { problems, level } = await running.log(INVALID);
  expect(level).toBe('warn');
  const written = readFileSync(running.file, 'utf8').split('\n');
  const lineOf = (key: string): number => written.findIndex((text) => text.startsWith(key)) + 2;
  for (const path of ['admin.address', 'debug.address', 'self.podName']) {
    const place = `headroute\\.yaml:${lineOf(path.split('.')[0]!)}:\\d+`;
    expect(problems).toContainEqual(expect.stringMatching(new RegExp(`${place}: ${path}: needs a restart`)));
  }
  expect(await ruleInForce(running)).toBe('old');
  expect(await reloads(running)).toMatchObject({ failure: 1, last: 0 });
});
