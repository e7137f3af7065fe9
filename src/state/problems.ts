import type { CauseArea, ShownCause } from '../model/cause.ts';
import type { Moment, State, StateBackend, StateProblem } from '../model/state.ts';
import { rfc3339 } from './now.ts';
import { tlsProblems } from './tls-problems.ts';

/** Pods named in a problem. */
const MAX_NAMED = 3;
/** Causes told with one problem. */
const MAX_CAUSES = 3;

/** What is wrong, the worst first. Pure: whoever draws a state draws these, so that no two places judge differently. */
export function findProblems(state: Omit<State, 'problems'>): StateProblem[] {
  const wallMs = Date.parse(state.at);
  const found = [
    ...state.backends.flatMap((backend) => ofBackend(backend, wallMs)),
    ...ofProgram(state),
    ...state.backends.flatMap((backend) => withPodsUnready(backend, wallMs)),
    ...state.backends.flatMap((backend) => tlsProblems(backend, wallMs)),
  ];
  return found.sort((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning'));
}

function ofProgram({ draining, lastReload, ready }: Omit<State, 'problems'>): StateProblem[] {
  const about = { severity: 'warning', backend: null, pods: [] } as const;
  const found: StateProblem[] = [];
  if (lastReload !== null && !lastReload.ok) {
    const [first = 'no reason is known', ...others] = lastReload.problems;
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
    found.push({
      ...about,
      kind: 'reload_refused',
      text: `the last change of the configuration was refused, the one before stays in force: ${first}${more}`,
      since: { at: lastReload.at, ageMs: lastReload.ageMs },
    });
  }
  if (draining)
    found.push({
      ...about,
      kind: 'draining',
      text: 'it drains, as POST /drain asked: new requests get 503, new TCP connections are refused',
      since: null,
    });
  else if (!ready.ok)
    found.push({ ...about, kind: 'starting', text: `it is not ready: ${ready.reason}`, since: null });
  return found;
}

function ofBackend(backend: StateBackend, wallMs: number): StateProblem[] {
  const { name, leadership, discovery, held } = backend;
  const about = { backend: name, pods: [] } as const;
  const found: StateProblem[] = [];
  const pods = backend.pods.filter(({ state }) => state !== 'draining');
  const isServing = pods.some(({ state }) => state === 'ready');
  const [dns] = causesOf(backend, 'dns');
  const health = causesOf(backend, 'health');
  if (pods.length === 0)
    found.push({
      ...about,
      severity: 'error',
      kind: 'no_pod',
      text: `no Pod is known: ${dns?.text ?? `no answer yet to ${discovery.question}`}`,
      since: sinceOf(dns, wallMs),
    });
  else if (!isServing)
    found.push({
      ...about,
      severity: 'error',
      kind: 'no_pod_ready',
      pods: pods.slice(0, MAX_NAMED).map((pod) => pod.name),
      text: `no Pod is ready: ${inWords(health) || pods[0]!.reason}`,
      since: sinceOf(health[0], wallMs),
    });
  if (leadership.state === 'none' && pods.length > 0)
    found.push({
      ...about,
      severity: 'error',
      kind: 'no_leader',
      text: `no leader: ${inWords(causesOf(backend, 'leader')) || leadership.reason}`,
      since: leadership.since,
    });
  if (leadership.state === 'conflict')
    found.push({
      ...about,
      severity: 'error',
      kind: 'leader_conflict',
      pods: leadership.claimants.slice(0, MAX_NAMED),
      text: `leader conflict: ${leadership.reason}`,
      since: leadership.since,
    });
  if (held.now > 0)
    found.push({
      ...about,
      severity: 'warning',
      kind: 'held',
      text: `${held.now === 1 ? '1 request waits' : `${held.now} requests wait`} for a Pod`,
      since: null,
    });
  if (dns !== undefined && pods.length > 0)
    found.push({
      ...about,
      severity: 'warning',
      kind: 'dns_failing',
      text: dns.text,
      since: sinceOf(dns, wallMs),
    });
  return found;
}

/** Those that are not ready beside others that are, by what is wrong with them. */
function withPodsUnready(backend: StateBackend, wallMs: number): StateProblem[] {
  if (!backend.pods.some(({ state }) => state === 'ready')) return [];
  return causesOf(backend, 'health').map((cause) => ({
    severity: 'warning',
    kind: 'pods_unready',
    backend: backend.name,
    pods: cause.pods,
    text: cause.text,
    since: sinceOf(cause, wallMs),
  }));
}

function causesOf({ causes }: StateBackend, area: CauseArea): ShownCause[] {
  return causes.filter((cause) => cause.area === area);
}

function inWords(causes: readonly ShownCause[]): string {
  return causes
    .slice(0, MAX_CAUSES)
    .map(({ text }) => text)
    .join('; ');
}

function sinceOf(cause: ShownCause | undefined, wallMs: number): Moment | null {
  return cause === undefined ? null : { at: rfc3339(wallMs - cause.ageMs), ageMs: cause.ageMs };
}
