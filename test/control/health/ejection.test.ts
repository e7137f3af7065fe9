import { expect, it } from 'vitest';
import { PodMonitor } from '../../../src/control/health/monitor.ts';
import { Launcher } from '../../../src/control/probe/launcher.ts';
import { Metrics } from '../../../src/observe/metrics.ts';
import type { Clock } from '../../../src/platform/clock.ts';
import { backendConfig } from '../../helpers/config.ts';

/** A clock whose timers fire a little before their time, as Node's do (they count whole milliseconds). */
class EarlyClock implements Clock {
  now = 0;
  timers: { at: number; run: () => void }[] = [];
  nowMs = (): number => this.now;
  wallMs = (): number => this.now;

  after(delayMs: number, run: () => void): { clear(): void } {
    const timer = { at: this.now + delayMs, run };
    this.timers.push(timer);
    return {
      clear: () => {
        this.timers = this.timers.filter((other) => other !== timer);
      },
    };
  }

  fire(at: number): void {
    this.now = at - 0.6;
    for (const timer of this.timers.filter((other) => other.at <= at)) {
      this.timers = this.timers.filter((other) => other !== timer);
      timer.run();
    }
  }
}

it('a Pod comes back although its timer fires a fraction of a millisecond early', () => {
  const clock = new EarlyClock();
  const metrics = new Metrics();
  const member = {
    key: 'db-0',
    name: 'db-0',
    named: true,
    dnsName: 'db-0.db',
    ordinal: 0,
    addresses: ['192.0.2.1'],
    port: 80,
  };
  const monitor = new PodMonitor(
    { id: 1, member, departed: false },
    backendConfig({ ejection: { consecutiveFailures: 2, baseTimeMs: 1000, maxPercent: 100 } }),
    {
      clock,
      random: () => 0,
      launcher: new Launcher(),
      metrics,
      runProbe: () => ({ cancel() {} }),
    },
    null,
    () => {},
    () => {},
  );
  try {
    monitor.requestFailed('reset', 0, 1);
    monitor.requestFailed('reset', 0, 1);
    expect(monitor.ejected).toBe(true);
    clock.fire(1000);
    expect(monitor.ejected).toBe(false);
  } finally {
    monitor.close();
  }
});
