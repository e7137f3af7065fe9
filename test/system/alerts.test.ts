import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { type Alert, shippedRules } from '../helpers/monitoring.ts';
import { promtool } from './support/prometheus.ts';

/** The rules as they are shipped, without the PrometheusRule around them, and their unit tests. */
function folder(change: (alert: Alert) => Alert = (alert) => alert): string {
  const made = mkdtempSync(join(tmpdir(), 'headroute-alerts-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  const { groups } = shippedRules();
  const rules = { groups: groups.map((group) => ({ ...group, rules: group.rules.map(change) })) };
  writeFileSync(join(made, 'rules.yaml'), stringify(rules));
  copyFileSync('test/system/support/alerts.yaml', join(made, 'alerts.yaml'));
  return made;
}

const test = (at: string) => promtool(['test', 'rules', join(at, 'alerts.yaml')]);

it('promtool finds nothing wrong with the rules', () => {
  const { status, said } = promtool(['check', 'rules', '--lint-fatal', join(folder(), 'rules.yaml')]);
  expect([status, said]).toEqual([
    0,
    expect.stringContaining(`${shippedRules().groups[0]!.rules.length} rules found`),
  ]);
});

it('the alerts fire when they should, and only then', () => {
  const { status, said } = test(folder());
  expect([status, said]).toEqual([0, expect.stringContaining('SUCCESS')]);
});

it.each(shippedRules().groups[0]!.rules.map(({ alert }) => alert))(
  '%s: its unit test fails where it never fires, and where it fires at once',
  (name) => {
    const changed = (part: Partial<Alert>) =>
      test(folder((alert) => (alert.alert === name ? { ...alert, ...part } : alert))).status;
    expect(changed({ expr: 'vector(1) > 2' })).not.toBe(0);
    expect(changed({ for: '0s', expr: 'vector(1)' })).not.toBe(0);
  },
);
