import type { ExplainedBackend, ExplainedOutcome, Explanation } from '../model/explanation.ts';

/** Lists longer than this are cut: 1,000 Pods are no answer in words. */
const MAX_LISTED = 20;

/** An explanation as a person reads it: what would happen first, then why. Ends with a line end. */
export function explainInWords(explanation: Explanation): string {
  const { request, listener, rule, rulesTried, alsoMatch, leavesLeaderRule, outcome, backends, backend } =
    explanation;
  const target = `${request.path}${request.query === '' ? '' : `?${request.query}`}`;
  const host = request.host === '' ? '' : ` for host ${request.host}`;
  const lines = [
    `${request.method} ${target}${host} ${sentence(outcome, backend)}`,
    '',
    `Listener  ${listener ?? 'none'}`,
    `Rule      ${rule === null ? 'none' : `${rule} (${explanation.selection})`}`,
    ...limited(
      rulesTried,
      ({ rule: name, matched, why }) => `  ${matched ? 'took' : 'not '} ${name}: ${why}`,
    ),
    ...limited(alsoMatch, ({ rule: name, why }) => `  also ${name}, less specific: ${why}`),
    ...(leavesLeaderRule === null
      ? []
      : [
          `  this write leaves rule ${leavesLeaderRule} (Leader), since ${rule} is more specific: its Pod need not lead`,
        ]),
    ...backends.flatMap((each) => backendLines(each, backends.length > 1, each.name === backend)),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

function sentence(outcome: ExplainedOutcome, backend: string | null): string {
  const of = backend === null ? '' : ` of backend ${backend}`;
  switch (outcome.type) {
    case 'pod':
      return outcome.certain
        ? `goes to Pod ${outcome.pod} (${outcome.address})${of}: ${outcome.detail}.`
        : `goes to one of several Pods${of}, this time ${outcome.pod} (${outcome.address}): ${outcome.detail}.`;
    case 'pods':
      return `goes to ${outcome.pods.length} Pods${of} at once, ${listed(outcome.pods)}: ${outcome.detail}.`;
    case 'held':
      return `is held for up to ${seconds(outcome.timeoutMs)}${of === '' ? '' : ` (backend ${backend})`}, because ${outcome.detail}; after that ${outcome.status === null ? `its connection is closed (${outcome.end})` : `it is answered ${outcome.status} ${outcome.end}`}.`;
    case 'fail':
      return `is answered by headroute itself with ${outcome.status} ${outcome.failure}: ${outcome.detail}.`;
    case 'answered':
      return `is answered by headroute itself with ${outcome.status}: ${outcome.detail}.`;
    case 'closed':
      return `gets no answer: headroute closes its TCP connection (${outcome.failure}): ${outcome.detail}.`;
    case 'unreachable':
      return `finds nobody to connect to: ${outcome.detail}.`;
  }
}

function backendLines(backend: ExplainedBackend, several: boolean, taken: boolean): string[] {
  const { name, weight, share, leadership, candidates, excluded, causes, outcome } = backend;
  const part = several
    ? `, weight ${weight} (${(share * 100).toFixed(share > 0 && share < 0.01 ? 1 : 0)} %)`
    : '';
  const lines = ['', `Backend   ${name}${part}${several && taken ? ', taken this time' : ''}`];
  if (several && !taken) lines.push(`  there it ${sentence(outcome, null)}`);
  if (leadership !== null) lines.push(`  leader: ${leaderText(leadership)}`);
  lines.push(`  candidates: ${candidates.length === 0 ? 'none' : listed(candidates)}`);
  // Those of Pods stand beside each of them.
  const untold = causes.filter(
    ({ area, text }) => area !== 'health' && !outcome.detail.includes(text) && text !== leadership?.reason,
  );
  lines.push(...untold.map(({ words }) => `  cause: ${words}`));
  lines.push(...limited(excluded, ({ pod, reason }) => `  not ${pod}: ${reason}`));
  return lines;
}

function leaderText({
  state,
  leader,
  term,
  claimants,
  reason,
}: NonNullable<ExplainedBackend['leadership']>): string {
  const inTerm = term === null ? '' : ` in term ${term}`;
  const why = reason === '' ? '' : ` (${reason})`;
  if (state === 'known') return `${leader ?? 'unknown'}${inTerm}${why}`;
  const claims = claimants.length === 0 ? '' : `; claimed by ${listed(claimants)}`;
  return `${state === 'none' ? 'none is known' : 'several Pods claim to lead'}${claims}${why}`;
}

function limited<T>(items: readonly T[], line: (item: T) => string): string[] {
  if (items.length <= MAX_LISTED) return items.map(line);
  // The last one counts most: of the rules tried it is the one that matched.
  const shown = [...items.slice(0, MAX_LISTED - 1).map(line), `  … ${items.length - MAX_LISTED} more …`];
  return [...shown, line(items.at(-1)!)];
}

function listed(names: readonly string[]): string {
  if (names.length <= MAX_LISTED) return names.join(', ');
  return `${names.slice(0, MAX_LISTED).join(', ')} and ${names.length - MAX_LISTED} more`;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}

/** What a request or a Pod brings must not steer the terminal. */
export function printable(line: string): string {
  return line.replace(
    /[\x00-\x1f\x7f-\x9f\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
