import type { RoundResult } from '../judge.ts';
import type { Scenario } from '../scenario.ts';
import type { AllMeasured, Measured } from './result-file.ts';
import { SECOND_OUTAGE_MS, type Spread, type Summary, summarise } from './summary.ts';

/** What a reader has to know to read the table. */
const HEAD = `# Failovers side by side

\`npm run bench:failover\` strikes at the leader of real servers while clients write through headroute (its default timers) and, in the
next round, through HAProxy at its best: checks every 200 ms of which one decides (\`fall 1 rise 1\`), and connections held by
retrying against a server that always refuses (\`retries 300\`, \`timeout connect 100ms\`, \`option redispatch 1\`). \`haproxy-cut\`, and HAProxy
before Redis and PostgreSQL, has \`on-marked-down shutdown-sessions\` besides. All run all the while.
Four clients write unique ids with 50 ms between an answer and the next, try nothing twice and wait 5 s for an answer; every id is
read back.

- **added**: from the moment at which another node could serve writes, as an observer sees that asks each node itself every 5 ms, to
  the first write that another node acknowledged through the proxy. In a moment of few ms the observer may be the later one.
- **outage**: the longest time without an acknowledgement, the election included.
- **second outages**: times of over ${SECOND_OUTAGE_MS} ms without one after that, and the longest.
- **errors**: writes that were surely not applied / whose outcome is unknown (those are neither lost nor not).
- **lost**: acknowledged and not there at the end. **doubled**: there more than once.

Milliseconds; median / most.
`;

export function markdown(scenarios: readonly Scenario[], all: AllMeasured): string {
  const known = measuredOf(scenarios, all);
  const lines = [
    HEAD,
    ...table(scenarios, all),
    '',
    '![When writes were acknowledged](failover.svg)',
    '',
    'headroute beside the marks that the project sets itself:',
    '',
    '| work | mark | measured | |',
    '|---|---|---|---|',
    ...known.flatMap(({ scenario, run }) => goalsOf(scenario, run)),
    '',
    'What failed, and how often:',
    '',
    ...known.flatMap(({ scenario, run }) => failuresOf(scenario, run)),
    '',
    'Measured:',
    '',
    ...known.map(({ scenario, run }) => `- ${scenario.name}: ${where(run)}`),
    '',
  ];
  return lines.join('\n');
}

export function table(scenarios: readonly Scenario[], all: AllMeasured): string[] {
  return [
    '| work | proxy | rounds | added | outage | second outages | errors | acknowledged | lost | doubled |',
    '|---|---|---|---|---|---|---|---|---|---|',
    ...measuredOf(scenarios, all).flatMap(({ scenario, run }) => rowsOf(scenario, run)),
  ];
}

function measuredOf(
  scenarios: readonly Scenario[],
  all: AllMeasured,
): { readonly scenario: Scenario; readonly run: Measured }[] {
  return scenarios.flatMap((scenario) => {
    const run = all[scenario.name];
    return run === undefined ? [] : [{ scenario, run }];
  });
}

function proxiesOf(run: Measured): Map<string, RoundResult[]> {
  const byProxy = new Map<string, RoundResult[]>();
  for (const round of run.rounds) byProxy.set(round.proxy, [...(byProxy.get(round.proxy) ?? []), round]);
  return byProxy;
}

const ms = (value: number): string => Math.round(value).toLocaleString('en');
const both = (spread: Spread | null): string =>
  spread === null ? '–' : `${ms(spread.median)} / ${ms(spread.max)}`;

function rowsOf(scenario: Scenario, run: Measured): string[] {
  return [...proxiesOf(run)].map(([proxy, rounds]) => {
    const s: Summary = summarise(rounds);
    const added = scenario.oldGoesOn ? '–' : both(s.added);
    const second = s.secondOutages === 0 ? 'none' : `${s.secondOutages}, longest ${ms(s.longestLaterMs)}`;
    const cells = [scenario.title, proxy, s.rounds, added, both(s.outage), second];
    const counts = [`${ms(s.refused)} / ${ms(s.unknown)}`, ms(s.acknowledged), ms(s.lost), ms(s.doubled)];
    return `| ${[...cells, ...counts].join(' | ')} |`;
  });
}

function goalsOf(scenario: Scenario, run: Measured): string[] {
  const summary = summarise(proxiesOf(run).get('headroute') ?? []);
  return scenario.goals.map(
    (goal) =>
      `| ${scenario.title} | ${goal.text} | ${goal.measured(summary)} | ${goal.isMet(summary) ? 'met' : 'missed'} |`,
  );
}

function failuresOf(scenario: Scenario, run: Measured): string[] {
  return [...proxiesOf(run)].flatMap(([proxy, rounds]) => {
    const counts = new Map<string, number>();
    for (const round of rounds)
      for (const [message, n] of [...Object.entries(round.refused), ...Object.entries(round.unknown)])
        counts.set(message, (counts.get(message) ?? 0) + n);
    const said = [...counts].map(([message, n]) => `${n} × ${message}`);
    return said.length === 0 ? [] : [`- ${scenario.name}, ${proxy}: ${said.join('; ')}`];
  });
}

function where({ date, machine, versions, load, rounds }: Measured): string {
  const each = rounds.length / new Set(rounds.map(({ proxy }) => proxy)).size;
  return `${date}, ${each} rounds each, proxies alternating; ${machine}, load ${load.toFixed(1)}; ${versions}`;
}
