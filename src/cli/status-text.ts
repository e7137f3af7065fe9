import { ageInWords } from '../model/cause.ts';
import { lengthInWords } from '../model/length.ts';
import type { Moment, State, StateBackend, StateFailure, StatePod, StateProblem } from '../model/state.ts';
import { printable } from './explain-text.ts';
import { type Ink, NO_INK } from './ink.ts';

/** Pods of one backend that are listed; of more, those that matter. */
const MAX_PODS = 20;
const MAX_FAILURES = 8;

export interface StatusStyle {
  readonly ink: Ink;
  /** Columns; longer sentences are broken, rows of a table cut. */
  readonly width: number;
  /** false: without ages, so that two texts are the same as long as nothing has changed. */
  readonly ages: boolean;
}

/** A state as a person reads it in a terminal: what is wrong first. */
export function statusLines(state: State, style: StatusStyle): string[] {
  return [
    ...wrapped([headline(state, style)], 0, style),
    ...state.problems.flatMap((problem) => problemLines(problem, style)),
    ...state.backends.flatMap((backend) => ['', ...backendLines(backend, style)]),
    ...failureLines(state.failures),
  ];
}

function headline(
  { version, problems, configHash, started, draining }: State,
  { ink, ages }: StatusStyle,
): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const warnings = problems.length - errors;
  const counts = [
    ...(errors > 0 ? [ink.bad(counted(errors, 'error'))] : []),
    ...(warnings > 0 ? [ink.doubtful(counted(warnings, 'warning'))] : []),
  ];
  const verdict = counts.length === 0 ? ink.good('all is well') : counts.join(', ');
  const up = ages ? `, up ${ageInWords(started.ageMs)}` : '';
  return `headroute ${printable(version)}: ${verdict}${draining ? ', draining' : ''}${ink.faint(`  (configuration ${printable(configHash)}${up})`)}`;
}

function problemLines({ severity, backend, text, since }: StateProblem, style: StatusStyle): string[] {
  const label = severity === 'error' ? style.ink.bad('ERROR  ') : style.ink.doubtful('WARNING');
  const about = backend === null ? '' : `${style.ink.strong(printable(backend))}: `;
  return wrapped([`${label}  ${about}${printable(text)}${lasting(since, style)}`], 9, style);
}

function lasting(since: Moment | null, { ages }: StatusStyle): string {
  return since === null || !ages ? '' : `, for ${ageInWords(since.ageMs)}`;
}

function backendLines(backend: StateBackend, style: StatusStyle): string[] {
  const { name, service, pods, held } = backend;
  const { ink } = style;
  const ready = pods.filter(({ state }) => state === 'ready').length;
  const facts = [
    `${ready} of ${counted(pods.length, 'Pod')} ready`,
    ...leaderFact(backend, style),
    ...(held.now === 0 ? [] : [ink.doubtful(heldFact(backend, style))]),
  ];
  return [
    ...wrapped([`${ink.strong(printable(name))}  ${facts.join(', ')}`], 2, style),
    ...wrapped(
      [ink.faint(`  ${printable(service) || 'fixed Pods'}, DNS ${dnsFact(backend, style)}`)],
      2,
      style,
    ),
    ...podTable(pods, style),
  ];
}

function leaderFact({ leadership }: StateBackend, { ink, ages }: StatusStyle): string[] {
  const { state, leader, term, since } = leadership;
  const age = since === null || !ages ? '' : ` for ${ageInWords(since.ageMs)}`;
  switch (state) {
    case 'unconfigured':
      return [];
    case 'known':
      return [`leader ${ink.good(printable(leader ?? ''))}${term === null ? '' : `, term ${term}`}${age}`];
    case 'none':
      return [ink.bad(`no leader${age}`)];
    case 'conflict':
      return [ink.bad(`several claim to lead${age}`)];
  }
}

function heldFact({ held }: StateBackend, { ages }: StatusStyle): string {
  return ages ? `${held.now} waiting, the longest ${lengthInWords(held.longestMs)}` : `${held.now} waiting`;
}

function dnsFact({ discovery }: StateBackend, { ages }: StatusStyle): string {
  const { lastAnswer, lastError } = discovery;
  const answered =
    lastAnswer === null
      ? 'never answered'
      : ages
        ? `answered ${ageInWords(lastAnswer.ageMs)} ago`
        : 'answers';
  return lastError === null ? answered : `fails (${printable(lastError)}), ${answered}`;
}

function podTable(pods: readonly StatePod[], style: StatusStyle): string[] {
  const shown = pods.length <= MAX_PODS ? pods : pods.filter(matters).slice(0, MAX_PODS);
  const lines = podRows(shown, style);
  const rest = pods.length - shown.length;
  if (rest === 0) return lines;
  const left = new Map<string, number>();
  for (const pod of pods) left.set(pod.state, (left.get(pod.state) ?? 0) + 1);
  for (const pod of shown) left.set(pod.state, left.get(pod.state)! - 1);
  const states = [...left].flatMap(([state, count]) => (count === 0 ? [] : [`${count} ${state}`]));
  return [...lines, style.ink.faint(`  … and ${rest} more: ${states.join(', ')}`)];
}

function matters({ state, leads, claimsLeadership }: StatePod): boolean {
  return state !== 'ready' || leads || claimsLeadership;
}

/** As wide as what stands in them needs. */
function podRows(pods: readonly StatePod[], { ink, width, ages }: StatusStyle): string[] {
  if (pods.length === 0) return [];
  const rows = pods.map((pod) => cellsOf(pod, ages));
  const widths = HEADER.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string => {
    const text = `  ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')}`.trimEnd();
    return text.length > width ? `${text.slice(0, width - 1)}…` : text;
  };
  return [
    ink.faint(line(HEADER)),
    ...pods.map(({ state, leads }, i) => {
      const text = line(rows[i]!);
      if (state !== 'ready') return ink.doubtful(text);
      return leads ? ink.good(text) : text;
    }),
  ];
}

const HEADER = ['Pod', 'state', 'for', 'role', 'why'];
const MAX_NAME = 32;

function cellsOf(
  { name, state, since, reason, leads, claimsLeadership, term }: StatePod,
  ages: boolean,
): string[] {
  const shown = printable(name);
  const role = leads ? 'leader' : claimsLeadership ? 'claims' : '';
  return [
    shown.length > MAX_NAME ? `${shown.slice(0, MAX_NAME - 1)}…` : shown,
    state,
    since === null || !ages ? '' : shortAge(since.ageMs),
    term === null || role === '' ? role : `${role}, term ${printable(term)}`,
    state === 'ready' ? '' : printable(reason),
  ];
}

function shortAge(ageMs: number): string {
  return ageMs < 1000 ? '< 1 s' : ageInWords(ageMs);
}

function failureLines(failures: readonly StateFailure[]): string[] {
  const recent = failures.filter(({ lastTenMinutes }) => lastTenMinutes > 0);
  if (recent.length === 0) return [];
  const more = recent.length > MAX_FAILURES ? [`  … and ${recent.length - MAX_FAILURES} more reasons`] : [];
  const rows = recent.slice(0, MAX_FAILURES).map(({ failure, lastTenMinutes, rules }) => {
    const by = rules.slice(0, 3).map(({ rule }) => printable(rule));
    return `  ${String(lastTenMinutes).padStart(7)}  ${failure.padEnd(20)} ${by.join(', ')}`.trimEnd();
  });
  return ['', "headroute's own failures in the last 10 min", ...rows, ...more];
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** Breaks lines at blanks, but not before a unit; what follows a break is indented. Colours take no room. */
function wrapped(lines: readonly string[], indent: number, { width }: StatusStyle): string[] {
  return lines.flatMap((line) => {
    if (visible(line) <= width) return [line];
    const broken: string[] = [];
    let current = '';
    for (const word of line.split(/(?<=\S)(?= +\S)(?! (?:ms|s|min|h|d)\b)/)) {
      if (current !== '' && visible(current + word) > width) {
        broken.push(current);
        current = ' '.repeat(indent) + word.trimStart();
      } else current += word;
    }
    return [...broken, current];
  });
}

function visible(text: string): number {
  return text.replace(/\x1b\[[0-9;]*m/g, '').length;
}

/** What must change for a reader to want another text. */
export function withoutAges(state: State): string {
  return statusLines(state, { ink: NO_INK, width: Number.POSITIVE_INFINITY, ages: false }).join('\n');
}
