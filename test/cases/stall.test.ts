/**
 * A sidecar that was stopped (SIGSTOP, a frozen node, a starved cgroup) and goes on: what it knew of its Pods before is asked
 * again first. No request goes to a Pod that has turned unready meanwhile, and none fails for the asking.
 */
import { expect, it } from 'vitest';
import { listener, sidecar, stage } from '../app/support/stage.ts';
import { pause } from '../helpers/waiting.ts';
import { ask } from './support/client.ts';

it('after a stop of 3 s nothing reaches the Pod that turned unready meanwhile, and no request fails', {
  timeout: 60_000,
}, async (test) => {
  const scene = await stage(test, ['db-0', 'db-1', 'db-2']);
  const [db0, db1, db2] = scene.pods as [
    (typeof scene.pods)[0],
    (typeof scene.pods)[0],
    (typeof scene.pods)[0],
  ];
  const rules = [
    {
      name: 'ordinal',
      matches: [{ path: { type: 'PathPrefix', value: '/o' } }],
      backendRefs: [{ name: 'db' }],
      selection: { type: 'Ordinal', ordinal: 2 },
    },
    {
      name: 'search',
      matches: [{ path: { type: 'Exact', value: '/search' } }],
      backendRefs: [{ name: 'db' }],
      selection: { type: 'FanOut', respond: 'All' },
    },
    { name: 'reads', backendRefs: [{ name: 'db' }] },
  ];
  // As slow to lose faith as it is by default.
  const health = { httpGet: { path: '/healthz' }, period: '300ms', timeout: '1s', failureThreshold: 3 };
  const running = await sidecar(
    test,
    scene.document({ backends: [scene.backend({ health })], listeners: [listener({ rules })] }),
  );
  await running.pods(3);
  for (const round of [1, 2, 3]) {
    const bad = round === 2 ? db1 : db0;
    running.signal('SIGSTOP');
    bad.health = 503;
    const before = bad.requests.length;
    // They wait in the kernel until the sidecar goes on.
    const asked = Array.from({ length: 12 }, (_, n) =>
      ask(running.port(), n % 3 === 0 ? '/search' : n % 3 === 1 ? `/o/${n}` : `/r/${n}`),
    );
    await pause(3000);
    running.signal('SIGCONT');
    for (const seen of await Promise.all(asked)) expect(seen).toMatchObject({ status: 200 });
    expect(bad.requests.slice(before)).toEqual([]);
    bad.health = 200;
    await running.pods(3);
  }
  expect(db2.requests.length).toBeGreaterThan(0);
  expect(running.count('the process stood still')).toBe(3);
});
