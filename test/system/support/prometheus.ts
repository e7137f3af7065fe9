import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { requireTool, toolEnvironment } from '../../../scripts/servers/location.mjs';
import { Child } from './child.ts';
import { eventually } from './eventually.ts';
import { freePorts } from './ports.ts';

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

/** How often it scrapes, and judges its rules. */
export const INTERVAL_MS = 500;

/** A real Prometheus that scrapes one sidecar, with the labels that deploy/podmonitor gives. */
export class Prometheus {
  readonly #folder = mkdtempSync(join(tmpdir(), 'headroute-prometheus-'));
  readonly #url: string;
  readonly #child: Child;

  /** @param target host:port to scrape @param rules the text of a rule file */
  static async start(target: string, rules: string): Promise<Prometheus> {
    const [port] = await freePorts(1);
    const prometheus = new Prometheus(`127.0.0.1:${port}`, target, rules);
    await eventually(async () => {
      prometheus.#child.assertRunning();
      return (await fetch(`${prometheus.#url}/-/ready`)).status === 200;
    }, 'Prometheus is ready');
    return prometheus;
  }

  private constructor(address: string, target: string, rules: string) {
    this.#url = `http://${address}`;
    const interval = `${INTERVAL_MS}ms`;
    const config = {
      global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
      rule_files: ['rules.yaml'],
      scrape_configs: [
        {
          job_name: 'test/headroute',
          static_configs: [{ targets: [target], labels: { namespace: 'test', sidecar: 'client-0' } }],
        },
      ],
    };
    writeFileSync(join(this.#folder, 'prometheus.yaml'), stringify(config));
    writeFileSync(join(this.#folder, 'rules.yaml'), rules);
    const args = [
      `--config.file=${join(this.#folder, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(this.#folder, 'data')}`,
      `--web.listen-address=${address}`,
      '--log.level=warn',
    ];
    this.#child = new Child('prometheus', requireTool('prometheus'), args, toolEnvironment('prometheus'));
  }

  /** @throws with Prometheus' own words where it does not understand the query */
  async query(expression: string): Promise<Series[]> {
    const body = new URLSearchParams({ query: expression });
    const answer = await fetch(`${this.#url}/api/v1/query`, { method: 'POST', body });
    const { status, error, data } = (await answer.json()) as {
      status: string;
      error?: string;
      data: { resultType: string; result: Series[] };
    };
    if (status !== 'success') throw new Error(`${expression}: ${error}`);
    return data.result;
  }

  /** Names of the alerts that fire now. */
  async firing(): Promise<Set<string>> {
    const answer = await fetch(`${this.#url}/api/v1/alerts`);
    const { data } = (await answer.json()) as {
      data: { alerts: { state: string; labels: { alertname: string } }[] };
    };
    return new Set(
      data.alerts.flatMap(({ state, labels }) => (state === 'firing' ? [labels.alertname] : [])),
    );
  }

  async stop(): Promise<void> {
    await this.#child.end('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** What promtool says to some input; nothing is what it says of what is right, but for its tests of rules. */
export function promtool(args: readonly string[], input = ''): { status: number | null; said: string } {
  const run = spawnSync(join(dirname(requireTool('prometheus')), 'promtool'), args, {
    input,
    encoding: 'utf8',
    env: { ...process.env, ...toolEnvironment('prometheus') },
  });
  return { status: run.status, said: `${run.stdout}${run.stderr}` };
}
