/** What deploy/monitoring asks exists, and whoever is woken by it finds what to run (test/system/prometheus.test.ts has it fire). */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { startProcessMetrics } from '../../src/observe/process-metrics.ts';
import { allFamilies, documentedQueries, shippedPanels, shippedRules } from '../helpers/monitoring.ts';

const alerts = shippedRules().groups.flatMap(({ rules }) => rules);
const panels = shippedPanels();
const runbook = readFileSync('docs/runbook.md', 'utf8');

/** Names of series and the labels that they have. */
async function known(): Promise<Map<string, readonly string[]>> {
  const names = new Map<string, readonly string[]>();
  for (const { name, type, labelNames } of allFamilies())
    for (const suffix of type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''])
      names.set(`${name}${suffix}`, labelNames);
  for (const [, name] of (await startProcessMetrics()()).matchAll(/^# TYPE (\w+)/gm)) names.set(name!, []);
  return names;
}

/** What Prometheus adds, and what queries make themselves. */
const ADDED = ['namespace', 'job', 'instance', 'sidecar', 'le'];

it.each([
  ...alerts.map(({ alert, expr }) => [alert, expr]),
  ...panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [`panel ${title}`, expr])),
  ...documentedQueries().map(({ question, expr }) => [question, expr]),
])('%s: asks for metrics and labels that exist', async (_, expr) => {
  const names = await known();
  const asked = [...expr!.matchAll(/\b((?:headroute|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)];
  expect(asked.length).toBeGreaterThan(0);
  const labels = new Set(ADDED);
  for (const [, name, matchers = ''] of asked) {
    expect([...names.keys()]).toContain(name);
    for (const label of names.get(name!)!) labels.add(label);
    for (const [, label] of matchers.matchAll(/(\w+)\s*[=!]~?"/g))
      expect([name, [...names.get(name!)!, ...ADDED].includes(label!), label]).toEqual([name, true, label]);
  }
  for (const [, grouped] of expr!.matchAll(/\b(?:by|without|on|ignoring) \(([^)]*)\)/g))
    for (const label of grouped!.split(/, ?/)) expect([...labels]).toContain(label);
});

it.each(alerts.map((alert) => [alert.alert, alert] as const))(
  '%s: has a paragraph in docs/runbook.md that begins with what to run, and points to it',
  (name, { annotations, labels }) => {
    expect(annotations.runbook).toBe(`docs/runbook.md#${name.toLowerCase()}`);
    const paragraph = runbook.split(/^## /m).find((text) => text.startsWith(`${name}\n`));
    expect(paragraph).toMatch(/^\w+\n\n```sh\n\S.*\n```\n\n\S/);
    expect(['critical', 'warning', 'info']).toContain(labels.severity);
    expect(annotations.summary).toMatch(/\S/);
    expect(annotations.description).toMatch(/\.$/);
  },
);

it('docs/runbook.md has no paragraph for an alert that there is none of', () => {
  const headings = [...runbook.matchAll(/^## (\w+)$/gm)].map(([, name]) => name);
  expect(headings.sort()).toEqual(alerts.map(({ alert }) => alert).sort());
});

it('every panel has a title of its own, and a question', () => {
  expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
  expect(panels.length).toBeGreaterThan(20);
  for (const { targets } of panels) expect(targets.length).toBeGreaterThan(0);
});
