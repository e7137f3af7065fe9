/** Something throws at each entry from the event loop that is no socket of the data plane (docs/adr/0008). */
import { expect, it } from 'vitest';
import { SnapshotCell } from '../../src/boundary/snapshot-cell.ts';
import { ControlLoop } from '../../src/control/control-loop.ts';
import { exchangeTcp } from '../../src/control/discovery/wire/exchange-tcp.ts';
import { exchangeUdp } from '../../src/control/discovery/wire/exchange-udp.ts';
import { Launcher } from '../../src/control/probe/launcher.ts';
import { ProbeLoop } from '../../src/control/probe/probe-loop.ts';
import { HoldQueue } from '../../src/data/placement/hold-queue.ts';
import { emptySnapshot } from '../../src/model/empty.ts';
import { internalErrors } from '../../src/observe/internal-errors.ts';
import { createLogger } from '../../src/observe/logger.ts';
import { Metrics } from '../../src/observe/metrics.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { crashed, ENTRIES, guarded, runGuarded } from '../../src/platform/guard.ts';
import { TurnEnd } from '../../src/platform/turn-end.ts';
import { hold } from '../data/fixtures.ts';
import { configWith } from '../helpers/config.ts';
import { mistakes, planted } from '../helpers/mistakes.ts';
import { VirtualClock } from '../helpers/virtual-clock.ts';
import { poll } from '../helpers/waiting.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const snapshot = (version: number) => ({ ...emptySnapshot(configWith({}), 'h'), version });

it('a subscriber that throws keeps the snapshot from no other, nor from the next time', () => {
  const met = mistakes();
  const cell = new SnapshotCell(snapshot(1));
  const told: string[] = [];
  cell.subscribe((next) => void told.push(`a${next.version}`));
  cell.subscribe(planted);
  cell.subscribe((next) => void told.push(`b${next.version}`));
  cell.publish(snapshot(2));
  cell.publish(snapshot(3));
  expect(told).toEqual(['a2', 'b2', 'a3', 'b3']);
  expect(met.where).toEqual(['subscriber', 'subscriber']);
});

it('a task of the turn that throws keeps no other from its turn', async () => {
  const met = mistakes();
  const end = new TurnEnd();
  const ran: string[] = [];
  end.add({ turnEnded: () => void ran.push('a') });
  end.add({ turnEnded: planted });
  end.add({ turnEnded: () => void ran.push('b') });
  await turn();
  expect(ran).toEqual(['a', 'b']);
  end.add({ turnEnded: () => void ran.push('c') });
  await turn();
  expect(ran).toEqual(['a', 'b', 'c']);
  expect(met.where).toEqual(['turn_end']);
});

it('a task that is added while the tasks of a turn run has its turn in the next', async () => {
  const end = new TurnEnd();
  const ran: string[] = [];
  end.add({
    turnEnded() {
      ran.push('first');
      end.add({ turnEnded: () => void ran.push('second') });
    },
  });
  end.add({ turnEnded: () => void ran.push('first too') });
  await turn();
  expect(ran).toEqual(['first', 'first too']);
  await turn();
  expect(ran).toEqual(['first', 'first too', 'second']);
});

it('a timer that throws costs itself', async () => {
  const met = mistakes();
  systemClock.after(0, planted);
  let ran = false;
  systemClock.after(1, () => {
    ran = true;
  });
  await poll(() => ran, 'the other timer');
  expect(met.where).toEqual(['timer']);
});

it('a snapshot that cannot be made leaves the last one in force, and the next change is taken', async () => {
  const met = mistakes();
  const cell = new SnapshotCell(snapshot(1));
  let isBroken = true;
  const loop = new ControlLoop(cell, () => (isBroken ? planted() : snapshot(2)));
  loop.touch();
  await turn();
  expect(cell.current().version).toBe(1);
  isBroken = false;
  loop.touch();
  await turn();
  expect(cell.current().version).toBe(2);
  expect(met.where).toEqual(['control']);
});

it('what asked for a snapshot at once is told that it cannot be made', () => {
  const loop = new ControlLoop(new SnapshotCell(snapshot(1)), planted);
  expect(() => loop.flush()).toThrow('planted');
});

it('a waiter that throws leaves the queue and is told so; those behind it go on', () => {
  const met = mistakes();
  const clock = new VirtualClock();
  const metrics = new Metrics();
  const queue = new HoldQueue('db', metrics, clock);
  const told: string[] = [];
  const waiter = (name: string, part: object) => ({
    retry: () => told.push(name) > 0,
    expire: () => void told.push(`${name} expired`),
    rematch: () => {},
    crashed: () => void told.push(`${name} crashed`),
    ...part,
  });
  queue.enter('w', hold, 0, waiter('a', { retry: planted }));
  queue.enter('w', hold, 0, waiter('b', {}));
  queue.wake();
  expect(told).toEqual(['a crashed', 'b']);
  expect([queue.size, metrics.heldRequests.with('db').value]).toEqual([0, 0]);
  told.length = 0;
  queue.enter('w', hold, 0, waiter('c', { expire: planted }));
  queue.enter('w', hold, 0, waiter('d', { rematch: planted }));
  queue.enter('w', hold, 0, waiter('e', {}));
  for (const { rematch } of queue.waiting()) rematch();
  clock.advance(hold.timeoutMs);
  expect(told).toEqual(['d crashed', 'c crashed', 'e expired']);
  expect(queue.size).toBe(0);
  expect(met.where).toEqual(['hold', 'hold', 'hold']);
});

it.each(['begin', 'onResult', 'finished'] as const)(
  'a probe whose %s throws is followed by the next',
  (which) => {
    const met = mistakes();
    const clock = new VirtualClock();
    let throws = true;
    const results: string[] = [];
    const fails = (name: string): void => {
      if (which === name && throws) planted();
    };
    const loop = new ProbeLoop(
      {
        periodMs: 1000,
        begin(done) {
          fails('begin');
          done({ outcome: 'success', reason: 'yes', answered: true, term: null });
          return { cancel() {} };
        },
        onResult(result) {
          fails('onResult');
          results.push(result.reason);
        },
      },
      { clock, random: () => 0, launcher: { launch: (start: () => void) => start() } as Launcher },
    );
    loop.probeNow(() => fails('finished'));
    throws = false;
    clock.advance(1000);
    expect(results).toEqual(
      which === 'begin' ? ['internal error', 'yes'] : which === 'onResult' ? ['yes'] : ['yes', 'yes'],
    );
    expect(met.where).toEqual(['probe']);
    loop.close();
  },
);

it('a start that waits for its turn and throws keeps no other from it', async () => {
  const met = mistakes();
  const launcher = new Launcher();
  const begun: number[] = [];
  for (let n = 0; n < 9; n++) launcher.launch(() => (n === 5 ? planted() : void begun.push(n)));
  await poll(() => begun.length === 8, 'the others');
  expect(met.where).toEqual(['probe']);
});

it.each([
  ['UDP', exchangeUdp],
  ['TCP', exchangeTcp],
] as const)(
  'what a DNS query over %s finds, where the finder throws, ends nothing else',
  async (_, exchange) => {
    const met = mistakes();
    // Nobody listens at port 1.
    const query = { bytes: Buffer.alloc(12) } as Parameters<typeof exchange>[1];
    exchange({ host: '127.0.0.1', port: 1 }, query, planted);
    await poll(() => met.where.length > 0, 'the mistake');
    expect(met.where).toEqual(['dns']);
  },
);

it('each is counted, from 0 on, and logged with where and its stack, at most one a second for each entry', () => {
  const metrics = new Metrics();
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({
    level: 'info',
    pretty: false,
    write: (line) => lines.push(JSON.parse(line)),
  });
  const clock = new VirtualClock();
  const take = internalErrors(metrics, logger, clock);
  expect([...metrics.internalErrors.cells()].map(({ labels, value }) => [labels[0], value])).toEqual(
    ENTRIES.map((where) => [where, 0]),
  );
  for (let n = 0; n < 3; n++) take('client', new Error(`planted ${n}`), { peer: '10.0.0.1' });
  take('pod', new Error('planted'), {});
  clock.advance(1000);
  take('client', new Error('planted 3'), {});
  expect(metrics.internalErrors.with('client').value).toBe(4);
  expect(lines.map(({ where, unlogged, peer }) => [where, unlogged, peer])).toEqual([
    ['client', undefined, '10.0.0.1'],
    ['pod', undefined, undefined],
    ['client', 2, undefined],
  ]);
  expect((lines[0]!.err as { stack: string }).stack).toContain('planted 0');
});

it('what pays may throw itself, and values come through', () => {
  const met = mistakes();
  const got: unknown[] = [];
  guarded('admin', (a: number, b: string) => void got.push(a, b))(1, 'x');
  runGuarded('admin', planted, planted);
  expect(got).toEqual([1, 'x']);
  expect(met.where).toEqual(['admin', 'admin']);
});

it('without a listener it is thrown after all', async () => {
  const uncaught = new Promise((resolve) => {
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', (error) => {
      for (const other of others) process.on('uncaughtException', other);
      resolve(error);
    });
  });
  crashed('timer', new Error('nobody listens'));
  expect(await uncaught).toMatchObject({ message: 'nobody listens' });
});
