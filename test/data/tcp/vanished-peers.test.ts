/**
 * Peers that vanished with data on its way to them, by the rows of Linux's table of connections. With real hosts:
 * test/network/vanished-peers.test.ts. Source: SPEC 3, Health; proc_net_tcp(5).
 */
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { onInternalError } from '../../../src/platform/guard.ts';
import { connectionKey, type TableSource } from '../../../src/platform/tcp-table.ts';
import { VanishedPeers } from '../../../src/platform/vanished-peers.ts';
import { VirtualClock } from '../../helpers/virtual-clock.ts';

const LOOK_MS = 3000;

/** A socket as far as it is looked at, with its row. */
class Line {
  readonly localAddress = '10.0.0.1';
  readonly remoteAddress = '10.0.0.2';
  readonly remotePort = 80;
  destroyed = false;
  connecting = false;
  bytesRead = 0;
  bytesWritten = 0;

  /** Columns of the row. */
  state = '01';
  timer = '00';
  retransmits = 0;
  probes = 0;
  uid = 0;
  /** In hundredths of a second, as the table has them. */
  when = 31;
  rto = 20;

  readonly localPort: number;

  constructor(localPort: number) {
    this.localPort = localPort;
  }

  destroy(): void {
    this.destroyed = true;
  }

  row(): string {
    const key = connectionKey(this.localAddress, this.localPort, this.remoteAddress, this.remotePort);
    const hex = (n: number, digits: number): string => n.toString(16).toUpperCase().padStart(digits, '0');
    const pad = (n: number, width: number): string => String(n).padStart(width);
    return `   7: ${key} ${this.state} 00000007:00000000 ${this.timer}:${hex(this.when, 8)} ${hex(this.retransmits, 8)} ${pad(this.uid, 5)} ${pad(this.probes, 8)} 1605297 3 0000 ${this.rto} 4 30 1 -1\n`;
  }
}

let peers: VanishedPeers;
afterEach(() => peers.close());

function watched(...lines: Line[]) {
  const clock = new VirtualClock();
  const gone: Line[] = [];
  const world = { clock, gone, looks: 0, complete: true, tookMs: 0, onVanished: (_line: Line) => {} };
  const tables: TableSource = async (reader) => {
    world.looks++;
    clock.advance(world.tookMs);
    reader.take(Buffer.from(lines.map((line) => line.row()).join(''), 'latin1'));
    return world.complete;
  };
  peers = new VanishedPeers(
    () => lines as unknown as Socket[],
    (socket) => {
      gone.push(socket as unknown as Line);
      world.onVanished(socket as unknown as Line);
      (socket as unknown as Line).destroyed = true;
    },
    clock,
    tables,
  );
  /** Looks come and go. @param each is called before each */
  const run = async (ms: number, each: (atMs: number) => void = () => {}): Promise<void> => {
    for (const untilMs = clock.nowMs() + ms; clock.nowMs() < untilMs; ) {
      each(clock.nowMs());
      clock.advance(LOOK_MS);
      for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return Object.assign(world, { run });
}

/** How often the kernel has sent again after so long, with a first timeout of 200 ms. */
function retransmitsAfter(ms: number): number {
  let count = 0;
  for (let at = 200; at <= ms; at = at * 2 + 200) count++;
  return count;
}

describe('VanishedPeers', () => {
  it.each([0, 1, 1500, 2999])(
    'notices a peer that vanished %i ms after a look within 40 s, not before 30',
    async (lateMs) => {
      const line = new Line(40_000);
      const w = watched(line);
      await w.run(6000);
      w.clock.advance(lateMs);
      const fromMs = w.clock.nowMs();
      line.bytesWritten = 100;
      line.timer = '01';
      let noticedMs = 0;
      await w.run(60_000, (atMs) => {
        line.retransmits = retransmitsAfter(atMs + LOOK_MS - fromMs);
        if (w.gone.length > 0 && noticedMs === 0) noticedMs = atMs - fromMs;
      });
      expect(noticedMs).toBeGreaterThanOrEqual(30_000);
      expect(noticedMs).toBeLessThan(38_000);
      expect(w.gone).toEqual([line]);
    },
  );

  it('a row that tells how long it has been asked in vain is believed at once, however rare looks are', async () => {
    const line = new Line(40_000);
    const w = watched(line);
    line.bytesWritten = 100;
    await w.run(6000);
    expect(w.gone).toEqual([]);
    // As Linux 6.18 showed a connection to a host that had gone 39.2 s before: seven timeouts, the last of 26.11 s, 13.59 s left.
    Object.assign(line, { bytesWritten: 200, timer: '01', retransmits: 7, when: 0x54f, rto: 2611 });
    await w.run(3000);
    expect(w.gone).toEqual([line]);
  });

  it.each<[string, Partial<Line>]>([
    ['25 s', { retransmits: 7, when: 2611, rto: 2611 }],
    ['40 s by two long timeouts', { retransmits: 2, when: 0, rto: 2700 }],
  ])('one that tells of %s is waited for', async (_, row) => {
    const line = new Line(40_000);
    const w = watched(line);
    line.bytesWritten = 100;
    await w.run(6000);
    Object.assign(line, { bytesWritten: 200, timer: '01' }, row);
    await w.run(3000);
    expect(w.gone).toEqual([]);
  });

  it('where the table takes 100 ms it is read every 5 s, and no more seldom than every 8 s', async () => {
    const line = Object.assign(new Line(40_000), { timer: '00' });
    const w = watched(line);
    const write = (): void => void line.bytesWritten++;
    await w.run(6000, write);
    for (const [tookMs, looks] of [
      [100, 20],
      [10_000, 6],
    ] as const) {
      w.tookMs = tookMs;
      await w.run(12_000, write);
      const before = w.looks;
      await w.run(102_000, write);
      expect(w.looks - before).toBeLessThanOrEqual(looks);
      expect(w.looks - before).toBeGreaterThanOrEqual(looks - 3);
    }
  });

  it('one that was written to right after it was opened, too', async () => {
    const line = new Line(40_000);
    const w = watched(line);
    line.bytesWritten = 100;
    line.timer = '01';
    await w.run(39_000, (atMs) => {
      line.retransmits = retransmitsAfter(atMs + LOOK_MS);
    });
    expect(w.gone).toEqual([line]);
  });

  it('a full window whose peer does not answer either is noticed; the uid before the column may be long', async () => {
    const line = Object.assign(new Line(40_000), { bytesWritten: 100, timer: '04', uid: 4_294_967_295 });
    const w = watched(line);
    await w.run(39_000, (atMs) => {
      line.probes = retransmitsAfter(atMs + LOOK_MS);
    });
    expect(w.gone).toEqual([line]);
  });

  it.each<[string, (line: Line, atMs: number) => void]>([
    ['acknowledges', (line) => Object.assign(line, { timer: '00' })],
    ['has a full window and answers', (line) => Object.assign(line, { timer: '04', probes: 0 })],
    [
      'has not read for minutes, and one question was lost',
      (line) => Object.assign(line, { timer: '04', probes: 1 }),
    ],
    [
      'is slow: it is sent to again, and acknowledges in the end',
      (line, atMs) => Object.assign(line, { timer: '01', retransmits: 1 + ((atMs / LOOK_MS) % 5) }),
    ],
    ['is asked by keepalive', (line) => Object.assign(line, { timer: '02', retransmits: 9, probes: 9 })],
    [
      'says something now and then',
      (line, atMs) =>
        Object.assign(line, { timer: '01', retransmits: 9, bytesRead: Math.floor(atMs / 20_000) }),
    ],
  ])('a peer that %s is let be', async (_, act) => {
    const line = new Line(40_000);
    const w = watched(line);
    await w.run(300_000, (atMs) => {
      line.bytesWritten += 1;
      act(line, atMs);
    });
    expect(w.gone).toEqual([]);
    expect(w.looks).toBeGreaterThan(10);
  });

  it('the table is read only while somebody was written to and has said nothing', async () => {
    const idle = new Line(1);
    const busy = new Line(2);
    const w = watched(idle, busy);
    idle.bytesWritten = 500;
    await w.run(9000);
    const before = w.looks;
    await w.run(60_000, () => {
      busy.bytesRead++;
      busy.bytesWritten++;
    });
    expect([before, w.looks]).toEqual([1, 1]);
  });

  it('a table that could not be read to its end says nothing', async () => {
    const line = Object.assign(new Line(40_000), { bytesWritten: 1, timer: '01', retransmits: 9 });
    const w = watched(line);
    w.complete = false;
    await w.run(120_000);
    expect(w.gone).toEqual([]);
    w.complete = true;
    await w.run(36_000);
    expect(w.gone).toEqual([line]);
  });

  it('a process that was stopped for minutes has not watched meanwhile', async () => {
    const line = new Line(40_000);
    const w = watched(line);
    line.bytesWritten = 1;
    line.timer = '01';
    await w.run(9000, () => {
      line.retransmits = 1;
    });
    line.retransmits = 3;
    const nowMs = w.clock.nowMs.bind(w.clock);
    w.clock.nowMs = () => nowMs() + 300_000;
    await w.run(6000);
    expect(w.gone).toEqual([]);
  });
});

it('a mistake met at one peer costs that one alone', async () => {
  const lines = [1, 2].map((port) =>
    Object.assign(new Line(port), { bytesWritten: 1, timer: '01', retransmits: 7, when: 0, rto: 5000 }),
  );
  const errors: unknown[] = [];
  const ignore = onInternalError((where, error) => errors.push([where, error]));
  const w = watched(...lines);
  w.onVanished = (line) => {
    if (line === lines[0]) throw new Error('a mistake');
  };
  await w.run(6000);
  ignore();
  expect(errors).toEqual([['peer_watch', new Error('a mistake')]]);
  expect(lines.map(({ destroyed }) => destroyed)).toEqual([true, true]);
});
