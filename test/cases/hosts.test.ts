import { expect } from 'vitest';
import { RawClient } from '../helpers/raw-client.ts';
import { value } from '../helpers/wire.ts';
import { type Scenario, scenario } from './support/scenario.ts';
import type { Json } from './support/sidecar-config.ts';

// Hostnames of rules against what clients write into Host (SPEC 2, Matching).

function named(name: string, hostnames: readonly string[]): Json {
  return { name, hostnames, backendRefs: [{ name: 'db' }], selection: { type: 'Balance' } };
}

/** The rule that took a request with this Host, or the status. */
async function ruleOf(scene: Scenario, host: string, target = '/'): Promise<string> {
  const client = await RawClient.connect(scene.port);
  const answer = await client.exchange(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  client.destroy();
  return value(answer, 'x-headroute-rule') ?? String(answer.status);
}

// envoyproxy/envoy#20545, projectcontour/contour#6334
scenario(
  'B40 a Host with a trailing dot, a port, other case or all of them takes the route that it takes without',
  {
    pods: 1,
    leader: null,
    listener: { debugHeaders: true },
    rules: [named('exact', ['db.example.com']), named('wild', ['*.example.org'])],
  },
  async (scene) => {
    await scene.untilReady('db-0');
    const spellings = (host: string): string[] =>
      [host, host.toUpperCase()].flatMap((name) => [name, `${name}.`, `${name}:8080`, `${name}.:8080`]);
    const expected: [string, string][] = [
      ...spellings('db.example.com').map((host): [string, string] => [host, 'exact']),
      ...spellings('a.example.org').map((host): [string, string] => [host, 'wild']),
      ...spellings('a.b.example.org').map((host): [string, string] => [host, 'wild']),
      // No label in front, or another name that only ends alike.
      ...spellings('example.org').map((host): [string, string] => [host, '404']),
      ...spellings('aexample.org').map((host): [string, string] => [host, '404']),
      ...spellings('db.example.com.evil').map((host): [string, string] => [host, '404']),
    ];
    const found: [string, string][] = [];
    for (const [host] of expected) found.push([host, await ruleOf(scene, host)]);
    expect(found).toEqual(expected);
  },
);

scenario(
  'B40 the authority of an absolute-form target is matched alike, and decides over Host',
  {
    pods: 1,
    leader: null,
    listener: { debugHeaders: true },
    rules: [named('exact', ['db.example.com']), named('wild', ['*.example.org'])],
  },
  async (scene) => {
    await scene.untilReady('db-0');
    for (const authority of ['db.example.com', 'DB.example.com.', 'db.example.com.:8080'])
      expect([authority, await ruleOf(scene, authority, `http://${authority}/x`)]).toEqual([
        authority,
        'exact',
      ]);
    expect(await ruleOf(scene, 'a.example.org', 'http://db.example.com./x')).toBe('exact');
  },
);
