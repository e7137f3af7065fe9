import type { Moment, State, StateBackend, StatePod, StateProblem } from '../model/state.ts';

/** Pods named in a problem; more are counted. */
const MAX_NAMED = 3;
/** Groups of unready Pods of one backend, by reason; more are one. */
const MAX_GROUPS = 5;

/** What is wrong, the worst first. Pure: whoever draws a state draws these, so that no two places judge differently. */
export function findProblems(state: Omit<State, 'problems'>): StateProblem[] {
  const found = [
    ...state.backends.flatMap(ofBackend),
    ...ofProgram(state),
    ...state.backends.flatMap(withPodsUnready),
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

function ofBackend(backend: StateBackend): StateProblem[] {
  const { name, leadership, discovery, held } = backend;
  const about = { backend: name, pods: [] } as const;
  const found: StateProblem[] = [];
  const pods = backend.pods.filter(({ state }) => state !== 'draining');
  const ready = pods.filter(({ state }) => state === 'ready').length;
  if (pods.length === 0)
    found.push({
      ...about,
      severity: 'error',
      kind: 'no_pod',
      text: `no Pod is known: ${discovery.lastError ?? `no answer yet to ${discovery.question}`}`,
      since: null,
    });
  else if (ready === 0)
    found.push({
      ...about,
      severity: 'error',
      kind: 'no_pod_ready',
      pods: named(pods),
      text: `${pods.length === 1 ? `its only Pod ${pods[0]!.name} is not ready` : `none of its ${pods.length} Pods is ready`}: ${commonReason(pods)}`,
      since: latest(pods),
    });
  if (leadership.state === 'none' && pods.length > 0)
    found.push({
      ...about,
      severity: 'error',
      kind: 'no_leader',
      text: `no leader: ${leadership.reason}`,
      since: leadership.since,
    });
  if (leadership.state === 'conflict')
    found.push({
      ...about,
      severity: 'error',
      kind: 'leader_conflict',
      pods: leadership.claimants.slice(0, MAX_NAMED),
      text: `several Pods claim to lead: ${leadership.reason}`,
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
  if (discovery.lastError !== null && pods.length > 0)
    found.push({
      ...about,
      severity: 'warning',
      kind: 'dns_failing',
      text: `the last look-up failed, its Pods are those of before: ${discovery.lastError}`,
      since: discovery.lastAnswer,
    });
  return found;
}

/** Those that are not ready beside others that are, by what is wrong with them. */
function withPodsUnready({ name, pods }: StateBackend): StateProblem[] {
  if (!pods.some(({ state }) => state === 'ready')) return [];
  const groups = new Map<string, StatePod[]>();
  for (const pod of pods) {
    if (pod.state !== 'unready' && pod.state !== 'ejected') continue;
    const what = `${pod.state}: ${pod.reason}`;
    const key = groups.has(what) || groups.size < MAX_GROUPS ? what : 'not ready, for other reasons';
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [pod]);
    else group.push(pod);
  }
  return [...groups].map(([what, group]) => ({
    severity: 'warning',
    kind: 'pods_unready',
    backend: name,
    pods: named(group),
    text: `${inWords(group)} ${group.length === 1 ? 'is' : 'are'} ${what}`,
    since: latest(group),
  }));
}

function named(pods: readonly StatePod[]): string[] {
  return pods.slice(0, MAX_NAMED).map(({ name }) => name);
}

function inWords(pods: readonly StatePod[]): string {
  const more = pods.length - MAX_NAMED;
  return more > 0 ? `${named(pods).join(', ')} and ${more} more` : named(pods).join(', ');
}

function commonReason(pods: readonly StatePod[]): string {
  const counts = new Map<string, number>();
  for (const { reason } of pods) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const [reason, count] = [...counts].sort((a, b) => b[1] - a[1])[0]!;
  return count === pods.length ? reason : `${reason} (${count} of them)`;
}

/** Since when all of them are as they are. */
function latest(pods: readonly StatePod[]): Moment | null {
  let found: Moment | null = null;
  for (const { since } of pods)
    if (since !== null && (found === null || since.ageMs < found.ageMs)) found = since;
  return found;
}
