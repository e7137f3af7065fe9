import type { Check } from '../checks/record.ts';

/** A replacement in one source file; the text stands there exactly once. */
export interface Edit {
  /** Its name, in whichever folder of src/ it is. */
  readonly file: string;
  readonly text: string;
  readonly instead: string;
}

/** A deliberate bug. The harness is good for nothing if it does not see it. */
export interface Mutation {
  /** What the program does wrong with it. */
  readonly name: string;
  readonly edits: readonly Edit[];
  /** The nemesis that shows it fastest. */
  readonly nemesis: string;
  /** Any of these sees it. */
  readonly caughtBy: readonly Check[];
}

const ARBITRATE = 'arbitrate.ts';
const CLAIM = 'claim.ts';
const DELIVER = 'deliver-one.ts';
const COURSE = 'course.ts';
const TUNNELS = 'tunnel-registry.ts';

/** At least one for each promise that would hurt most if it broke. */
export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'retries a POST after a reset',
    edits: [
      {
        file: 'retry.ts',
        text: "return end === 'connect_failed' || isSafeMethod(method);",
        instead: 'return true;',
      },
    ],
    nemesis: 'resets-executed',
    caughtBy: ['delivery', 'acknowledgement'],
  },
  {
    name: 'takes the first of two claimants',
    edits: [
      { file: ARBITRATE, text: "onConflict === 'HighestTerm' ? highestOf(able) : null", instead: 'able[0]!' },
    ],
    nemesis: 'two-claimants',
    caughtBy: ['conflict'],
  },
  {
    name: 'keeps old connections after a demotion',
    edits: [
      {
        file: TUNNELS,
        text: "if (tunnel.onDemotion === 'Close' && state",
        instead: "if (tunnel.onDemotion === 'Drain' && state",
      },
      // Which would cut them with the claim's age, and so within D.
      {
        file: 'tunnels.ts',
        text: "if (watch.onDemotion === 'Close') this.#gate(",
        instead: 'if (false) this.#gate(',
      },
    ],
    nemesis: 'switch',
    caughtBy: ['D'],
  },
  {
    name: 'goes on with uploads after a demotion',
    edits: [
      {
        file: DELIVER,
        text: 'this.#endWatch = this.#deps.tunnels.watchRequest(',
        instead: 'this.#endWatch = ((..._of: unknown[]) => () => {})(',
      },
      // Which would end them with the claim's age, and so within D.
      {
        file: 'placement.ts',
        text: "return this.rule.selection.type !== 'Leader' || !cell.leases.isOver(",
        instead: 'return true || !cell.leases.isOver(',
      },
    ],
    nemesis: 'uploads',
    caughtBy: ['D'],
  },
  {
    name: 'sends again after a 100 Continue',
    edits: [
      {
        file: DELIVER,
        text: 'else if (status < 200) this.#course.client.answer.interim(message);',
        instead:
          'else if (status < 200) { (this as any).went = true; this.#course.client.answer.interim(message); }',
      },
      {
        file: DELIVER,
        text: 'if (!responded && mayRepeat(request.method, end) && this.#mayTryAgain())',
        instead:
          'if (!responded && ((this as any).went || mayRepeat(request.method, end)) && this.#mayTryAgain())',
      },
    ],
    nemesis: 'resets-continue',
    caughtBy: ['delivery', 'acknowledgement'],
  },
  {
    name: 'ends a truncated answer as if it were whole',
    edits: [
      {
        file: 'h1-answer.ts',
        text: 'this.#connection.cut(this.#endsByClose);',
        instead: 'this.#connection.cut(false);',
      },
    ],
    nemesis: 'resets-answer',
    caughtBy: ['acknowledgement'],
  },
  {
    name: 'believes a truncated DNS answer',
    edits: [
      {
        file: 'dns-decode.ts',
        text: 'truncated: (flags & 0x0200) !== 0,',
        instead: 'truncated: false,',
      },
    ],
    nemesis: 'dns-truncated',
    caughtBy: ['harmless', 'liveness'],
  },
  {
    name: 'believes whoever has a Pod’s name at another address',
    edits: [
      {
        file: 'roster.ts',
        text: 'return a.addresses.some((address) => b.addresses.includes(address));',
        instead: 'return a.dnsName === b.dnsName;',
      },
    ],
    nemesis: 'recreated',
    caughtBy: ['D'],
  },
  {
    name: 'releases held requests in the wrong order',
    edits: [
      {
        file: 'hold-queue.ts',
        text: 'for (const place of this.#places) {\n        if (place.arrival >= before) break;',
        instead:
          'for (const place of [...this.#places].reverse()) {\n        if (place.arrival >= before) continue;',
      },
    ],
    nemesis: 'nobody',
    caughtBy: ['hold order'],
  },
  {
    name: 'counts a probe without an answer as a success',
    edits: [
      {
        file: CLAIM,
        text: 'if (result.answered || !state.believed) return NO_CLAIM;',
        instead:
          'if (!result.answered) return state;\n  if (!state.believed || result.answered) return NO_CLAIM;',
      },
      {
        file: 'probe-source.ts',
        text: "if (result.outcome === 'success') endAt(",
        instead: "if (result.outcome === 'success' || !result.answered) endAt(",
      },
    ],
    nemesis: 'probes-hang',
    caughtBy: ['D'],
  },
  {
    name: 'accepts an older term',
    edits: [
      {
        file: ARBITRATE,
        text: 'if (term !== null && highestTerm !== null && compareTerms(',
        instead: "if (term === 'none' && highestTerm !== null && compareTerms(",
      },
    ],
    nemesis: 'old-term',
    caughtBy: ['terms'],
  },
  {
    name: 'forgets the highest term at a reload',
    edits: [
      {
        file: 'watch.ts',
        text: 'this.countLeaderless();\n    this.#config = config;',
        instead: 'this.countLeaderless();\n    this.#judge.forget();\n    this.#config = config;',
      },
    ],
    nemesis: 'old-term-after-reload',
    caughtBy: ['terms'],
  },
  {
    name: 'drops what is held at a reload',
    edits: [
      {
        file: 'hold-queues.ts',
        text: 'const rematched = next.listeners !== previous.listeners && this.#rematch();',
        instead:
          'if (next.listeners !== previous.listeners) this.#queues.clear();\n    const rematched = false;',
      },
    ],
    nemesis: 'reload-while-held',
    caughtBy: ['harmless', 'liveness', 'leaks'],
  },
  {
    name: 'sends for a client that has gone',
    edits: [
      {
        file: COURSE,
        text: "this.placement.end('client_gone');",
        instead: "if (this.placement.isHeld) return;\n    this.placement.end('client_gone');",
      },
    ],
    nemesis: 'nobody',
    caughtBy: ['gone clients'],
  },
  {
    name: 'says that nothing was sent',
    edits: [{ file: COURSE, text: 'sent: this.sent, status };', instead: 'sent: false, status };' }],
    nemesis: 'resets-executed',
    caughtBy: ['delivery', 'acknowledgement'],
  },
  {
    name: 'trusts a stale claim after a stop',
    edits: [
      {
        file: 'control-plane.ts',
        text: 'return untilMs !== undefined && untilMs <= nowMs;',
        instead: 'return false;',
      },
      { file: 'probe-source.ts', text: 'if (untilMs <= clock.nowMs()) return null;', instead: '' },
      { file: 'pulse.ts', text: 'if (lateMs < STALL_FROM_MS) return;', instead: 'return;' },
    ],
    nemesis: 'freeze-sidecar',
    caughtBy: ['D'],
  },
  {
    name: 'sends writes to any Pod while nobody leads',
    edits: [
      {
        file: 'leader.ts',
        text: "  if (leadership.state === 'none' || leader === null)",
        instead:
          "  if (leader === null && leadership.state === 'none' && backend.pods[0]?.state === 'ready')\n    return { type: 'pod', pod: backend.pods[0] };\n  if (leadership.state === 'none' || leader === null)",
      },
      // Which knows of no claim of that Pod.
      {
        file: 'placement.ts',
        text: "return pick.type === 'pod' && !this.isLeased(pick.pod) ? OUTDATED : pick;",
        instead: 'return pick;',
      },
    ],
    nemesis: 'nobody',
    caughtBy: ['D'],
  },
  {
    name: 'lets a claim stand however long nobody has answered',
    edits: [
      {
        file: CLAIM,
        text: 'unanswered >= limits.failureThreshold ? NO_CLAIM',
        instead: 'unanswered >= limits.failureThreshold * 20 ? NO_CLAIM',
      },
      {
        file: 'probe-source.ts',
        text: 'const boundMs = source.periodMs * source.failureThreshold + source.timeoutMs;',
        instead: 'const boundMs = 20 * (source.periodMs * source.failureThreshold + source.timeoutMs);',
      },
    ],
    nemesis: 'probes-hang',
    caughtBy: ['D'],
  },
  {
    name: 'forgets that a request has ended',
    edits: [
      {
        file: 'rule-series.ts',
        text: '    this.#inFlight.value--;',
        instead: '    if (this.#inFlight.value % 7 !== 1) this.#inFlight.value--;',
      },
    ],
    nemesis: 'nobody',
    caughtBy: ['leaks'],
  },
  {
    name: 'believes the one that was succeeded',
    edits: [
      {
        file: 'lineage.ts',
        text: 'return later.previous === earlier.id && earlier.previous !== later.id;',
        instead: 'return earlier.previous === later.id;',
      },
    ],
    nemesis: 'side-by-side',
    caughtBy: ['terms', 'liveness'],
  },
];
