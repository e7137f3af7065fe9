import { expect } from 'vitest';
import type { CasePod } from './support/case-pod.ts';
import { failures, Load } from './support/load.ts';
import { type Scenario, scenario } from './support/scenario.ts';
import { rule } from './support/sidecar-config.ts';

// linkerd/linkerd2#5209, istio/istio#15863: proxies that keep the addresses of a headless Service's former Pods.

const RULES = [rule({ type: 'Balance' })];

/** Until DNS' Pods are these, all of them ready, and no former one is left. */
function untilOnly(scene: Scenario, pods: readonly CasePod[]): Promise<unknown> {
  return scene.until(
    (now) =>
      now.pods.length === pods.length &&
      pods.every(({ ip }) => now.pods.some((pod) => pod.addresses[0] === ip && pod.state === 'ready')),
    'the new ones alone, and ready',
  );
}

/** Clients that keep their connections read and write while `act` goes on. @returns what failed */
async function underLoad(scene: Scenario, act: () => Promise<void>): Promise<string[]> {
  const loads = [new Load(scene.port, 4, 'GET'), new Load(scene.port, 4, 'POST')];
  await act();
  const writes = (await Promise.all(loads.map((load) => load.stop()))).flat();
  expect(writes.length).toBeGreaterThan(90);
  return failures(writes);
}

scenario(
  'B38 all Pods of a Deployment replaced under new names and addresses, in one answer: no request fails',
  {
    leader: null,
    rules: RULES,
    // As in a cluster: a look-up comes much later than the probe of a Pod that the one before has shown.
    backend: (_, nameserver) => ({
      discovery: { nameservers: [nameserver], refresh: { min: '500ms', max: '500ms' } },
    }),
  },
  async (scene) => {
    await scene.untilReady('db-0', 'db-1', 'db-2');
    const failed = await underLoad(scene, async () => {
      for (let round = 0; round < 3; round++) {
        const old = scene.pods.slice(-3);
        const fresh: CasePod[] = [];
        for (const name of ['a', 'b', 'c']) fresh.push(await scene.replace(`db-r${round}-${name}`));
        scene.publish(fresh.map(({ name }) => name));
        await untilOnly(scene, fresh);
        await Promise.all(old.map((pod) => pod.crash()));
        for (const pod of fresh)
          await pod.changes.until(() => pod.requests.length > 10, `${pod.name} takes part`, 8000);
      }
    });
    expect(failed).toEqual([]);
  },
);

scenario(
  'B38 the Pods of a StatefulSet replaced one after another, each under its name and a new address: no request fails',
  { leader: null, rules: RULES },
  async (scene) => {
    const names = ['db-0', 'db-1', 'db-2'];
    await scene.untilReady(...names);
    const failed = await underLoad(scene, async () => {
      for (const name of [...names, ...names]) {
        const old = scene.pods.findLast((pod) => pod.name === name)!;
        const fresh = await scene.replace(name);
        scene.publish(names);
        await untilOnly(
          scene,
          names.map((other) => scene.pods.findLast((pod) => pod.name === other)!),
        );
        await old.crash();
        await fresh.changes.until(() => fresh.requests.length > 10, `${name} takes part`, 8000);
      }
    });
    expect(failed).toEqual([]);
  },
);
