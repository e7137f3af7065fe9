import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { requireTool, toolEnvironment } from '../../../scripts/servers/location.mjs';
import type { RoundResult } from '../judge.ts';
import type { Scenario } from '../scenario.ts';
import { markdown } from './markdown.ts';
import { picture } from './picture.ts';
import { middleRound } from './summary.ts';

/** One scenario as it was last run. */
export interface Measured {
  readonly date: string;
  readonly machine: string;
  readonly versions: string;
  /** At the end of the run, over a minute: more than two on two cores is a machine with other things to do. */
  readonly load: number;
  readonly rounds: readonly RoundResult[];
}

export type AllMeasured = Readonly<Record<string, Measured>>;

/** failover.json, and what is made of it: a table and a picture. A scenario that is run again replaces only itself. */
export class ResultFile {
  readonly #folder: string;
  readonly #scenarios: readonly Scenario[];

  constructor(folder: string, scenarios: readonly Scenario[]) {
    this.#folder = folder;
    this.#scenarios = scenarios;
  }

  add(run: AllMeasured): void {
    mkdirSync(this.#folder, { recursive: true });
    const file = join(this.#folder, 'failover.json');
    const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as AllMeasured) : {};
    const all = { ...before, ...run };
    writeFileSync(file, oneRoundALine(all));
    writeFileSync(join(this.#folder, 'failover.md'), markdown(this.#scenarios, all));
    writeFileSync(join(this.#folder, 'failover.svg'), picture(this.#scenarios, all));
  }
}

export function measured(rounds: readonly RoundResult[]): Measured {
  const proxies = new Set(rounds.map(({ proxy }) => proxy));
  const shown = [...proxies].map((name) => middleRound(rounds.filter(({ proxy }) => proxy === name)));
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} cores (${cpus()[0]!.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`,
    versions: `Node ${process.version}, ${haproxyVersion()}`,
    load: loadavg()[0]!,
    // Only what is drawn needs to be drawn.
    rounds: rounds.map((round) =>
      shown.includes(round) ? round : { ...round, served: [], servedAndLost: [], failed: [] },
    ),
  };
}

function haproxyVersion(): string {
  const env = { ...process.env, ...toolEnvironment('haproxy') };
  const text = execFileSync(requireTool('haproxy'), ['-v'], { encoding: 'utf8', env });
  return text.split(' ').slice(0, 3).join(' ');
}

function oneRoundALine(all: AllMeasured): string {
  const parts = Object.entries(all).map(([name, { rounds, ...run }]) => {
    const lines = rounds.map((round) => `  ${JSON.stringify(round, rounded)}`);
    return ` ${JSON.stringify(name)}: ${JSON.stringify(run).slice(0, -1)}, "rounds": [\n${lines.join(',\n')}\n ]}`;
  });
  return `{\n${parts.join(',\n')}\n}\n`;
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 10) / 10 : value;
}
