import { expect, it } from 'vitest';
import { KindLog } from '../../../src/control/causes/kind-log.ts';
import { LookupTroubles } from '../../../src/control/discovery/membership/lookup-troubles.ts';
import type { Logger } from '../../../src/platform/logger.ts';
import { VirtualClock } from '../../helpers/virtual-clock.ts';

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly [key: string]: unknown;
}

function recorded(): { lines: Line[]; logger: Logger } {
  const lines: Line[] = [];
  const at =
    (level: string) =>
    (fields: object, msg: string): void =>
      void lines.push({ level, msg, ...fields });
  return {
    lines,
    logger: {
      trace: at('trace'),
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
    },
  };
}

const change = (n: number, kind: string, before: string | null = 'http_503') =>
  ({ pod: `db-${n}`, probe: 'health', before, kind, reason: `it is ${kind}` }) as const;

it('a thousand Pods that flap a thousand times are one line a second, and nothing is lost of the last of it', () => {
  const { lines, logger } = recorded();
  const clock = new VirtualClock();
  const log = new KindLog(() => 'db', { logger, clock });
  for (let second = 0; second < 10; second++) {
    for (let n = 0; n < 1000; n++) log.changed(change(n, second % 2 === 0 ? 'timeout' : 'refused'));
    clock.advance(1000);
    log.tick();
  }
  expect(lines.length).toBeLessThanOrEqual(11);
  expect(lines[0]).toEqual({
    level: 'info',
    msg: 'probes of a Pod fail in another way',
    backend: 'db',
    ...change(0, 'timeout'),
  });
  expect(lines.at(-1)).toMatchObject({
    msg: 'probes of several Pods fail in another way',
    pods: 1000,
    first: ['db-0', 'db-1', 'db-2'],
    kinds: { 'health refused': 1000 },
    reason: 'it is refused',
  });
});

it('what is as it was before at the end of the second is no news', () => {
  const { lines, logger } = recorded();
  const clock = new VirtualClock();
  const log = new KindLog(() => 'db', { logger, clock });
  log.changed(change(0, 'timeout', null));
  log.changed(change(1, 'timeout', 'refused'));
  log.changed(change(1, 'refused', 'timeout'));
  clock.advance(1000);
  log.tick();
  expect(lines.map(({ msg, pod }) => [msg, pod])).toEqual([['probes of a Pod fail', 'db-0']]);
});

it('look-ups: each kind of failure is told when it comes, kinds that take turns once a second; the age is that of the kind', () => {
  const { lines, logger } = recorded();
  const clock = new VirtualClock();
  const troubles = new LookupTroubles({ backend: 'db', question: 'SRV x.' }, { logger, clock });
  expect(troubles.current).toMatchObject({
    kind: 'pending',
    text: 'the first look-up (SRV x.) has not ended',
  });
  const turn = (kind: string | null) =>
    troubles.take({ failed: kind !== null, error: kind, kind, ttlMs: null, withinMs: null });
  turn('timeout');
  clock.advance(5000);
  turn('timeout');
  expect(troubles.current!.sinceMs).toBe(clock.nowMs() - 5000);
  turn('servfail');
  expect(troubles.current!.sinceMs).toBe(clock.nowMs());
  for (let n = 0; n < 10; n++) turn(n % 2 === 0 ? 'timeout' : 'servfail');
  clock.advance(1000);
  turn('refused');
  turn(null);
  expect(troubles.current).toBeNull();
  expect(lines.map(({ level, msg, kind, before }) => [level, msg, kind, before])).toEqual([
    ['warn', 'DNS look-up failed', 'timeout', undefined],
    ['warn', 'DNS look-ups fail in another way', 'servfail', 'timeout'],
    ['warn', 'DNS look-ups fail in another way', 'refused', 'servfail'],
    ['info', 'DNS look-ups succeed again', undefined, undefined],
  ]);
});
