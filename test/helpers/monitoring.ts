import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { boundFamilies } from '../../src/data/bound-families.ts';
import { droppedLines } from '../../src/observe/line-writer.ts';
import { Metrics } from '../../src/observe/metrics.ts';
import type { FamilyLike } from '../../src/observe/render.ts';
import { snapshotFamilies } from '../../src/observe/snapshot-families.ts';
import { certificateExpiry } from '../../src/observe/tls-families.ts';
import { TlsClients } from '../../src/platform/tls/clients.ts';

/** Every family of headroute's own, none of which can be asked for its series. */
export function allFamilies(): FamilyLike[] {
  const never = (): never => {
    throw new Error('listing families reads no snapshot');
  };
  const fill = { snapshot: never, held: never, fanOutBytes: never, inFlight: never };
  return [
    ...new Metrics().all(),
    ...boundFamilies(fill),
    ...snapshotFamilies(never, ''),
    droppedLines({ dropped: 0 }),
    certificateExpiry(never, new TlsClients()),
  ];
}

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook: string };
}

/** Of a rule file of Prometheus; what a PrometheusRule has as its spec. */
export interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Alert[] }[];
}

/** The alerts that deploy/ ships. */
export function shippedRules(): RuleFile {
  return parse(readFileSync('deploy/monitoring/prometheusrule.yaml', 'utf8')).spec as RuleFile;
}

export interface Panel {
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly { readonly expr: string }[];
}

/** The panels of the shipped dashboard that ask something. */
export function shippedPanels(): Required<Panel>[] {
  const { panels } = JSON.parse(readFileSync('deploy/monitoring/dashboard.json', 'utf8')) as {
    panels: Panel[];
  };
  return panels.filter((panel): panel is Required<Panel> => panel.targets !== undefined);
}

/** The queries of docs/metrics.md, each with the question above it. */
export function documentedQueries(): { readonly question: string; readonly expr: string }[] {
  const blocks = [...readFileSync('docs/metrics.md', 'utf8').matchAll(/```promql\n([\s\S]*?)```/g)];
  return blocks.flatMap(([, block]) =>
    block!
      .trim()
      .split(/\n\n/)
      .flatMap((paragraph) => {
        const [question, ...lines] = paragraph.split('\n');
        // A line that is indented goes on with the one before.
        const queries = lines.join('\n').replace(/\n +/g, ' ').split('\n');
        return queries.map((expr) => ({ question: question!.replace(/^# /, ''), expr }));
      }),
  );
}
