/** deploy/compose, as far as it can be looked at without an engine: test/system/compose.test.ts runs what it runs. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: readonly string[];
}

const FOLDER = 'deploy/compose';
const CONFIG = `${FOLDER}/headroute/headroute.yaml`;
const compose = parse(readFileSync(`${FOLDER}/compose.yaml`, 'utf8'), { merge: true });
const services: Record<string, Service> = compose.services;
const config = parse(readFileSync(CONFIG, 'utf8'));
const [backend] = config.backends;

it('its configuration passes headroute check', () => {
  const { status, stdout } = spawnSync(process.execPath, ['dist/headroute.js', 'check', '--config', CONFIG], {
    encoding: 'utf8',
  });
  expect({ status, stdout }).toEqual({
    status: 0,
    stdout: `${CONFIG}: ok (1 backend, 2 listeners, 2 rules)\n`,
  });
});

it.each([
  ['redis', backend.discovery.static, 6379],
  ['sentinel', backend.leader.sentinel.static, 26379],
])(
  'every %s of the configuration is a service at that port, and every service is in it',
  (kind, pods, port) => {
    const listed = (pods as { name: string; address: string }[]).map(({ name, address }) => [name, address]);
    const there = Object.keys(services).filter((name) => name.startsWith(`${kind}-`));
    expect(listed).toEqual(there.map((name) => [name, `${name}:${port}`]));
    for (const name of there) expect(services[name]!.environment!.NAME).toBe(name);
  },
);

it('whom a service follows, asks or waits for is one', () => {
  for (const { environment = {}, depends_on = [] } of Object.values(services))
    for (const name of [environment.FOLLOWS, environment.MASTER, ...depends_on])
      if (name !== undefined) expect(Object.keys(services)).toContain(name);
  const masters = Object.values(services).flatMap(({ environment }) => environment?.MASTER ?? []);
  expect(new Set(masters)).toEqual(new Set(['redis-0']));
  expect(services['redis-0']!.environment).not.toHaveProperty('FOLLOWS');
});

it('what is mounted and started is there', () => {
  for (const { volumes, command } of Object.values(services)) {
    for (const [source, target] of volumes.map((volume) => volume.split(':') as [string, string])) {
      if (!source.startsWith('./')) expect(Object.keys(compose.volumes)).toContain(source);
      else expect(existsSync(join(FOLDER, source)), source).toBe(true);
      const script = command?.at(-1);
      if (script?.startsWith(`${target}/`))
        expect(existsSync(join(FOLDER, source, script.slice(target.length))), script).toBe(true);
    }
  }
});

it('publishes the listeners and the admin port on loopback only, and has the image of this version', () => {
  const ports = [...config.listeners, config.admin].map(({ address }: { address: string }) =>
    address.replace(/^0\.0\.0\.0:/, ''),
  );
  expect(services.headroute!.ports).toEqual(ports.map((port) => `127.0.0.1:${port}:${port}`));
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  expect(services.headroute!.image).toBe(`headroute:${version}`);
});
