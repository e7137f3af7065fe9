import type { FanOutSelection } from '../../model/config.ts';
import type { PodView } from '../../model/pod.ts';
import {
  type AnswerHead,
  type FanOutAnswer,
  type FanOutResponse,
  failedPods,
  isSuccess,
  PARTIAL_FIELD,
  partialValue,
} from './answer.ts';
import type { BodyPurpose } from './answer-body.ts';
import { SlicePart } from './body-parts.ts';
import { quorumOf, Votes } from './choose-answer.ts';
import { compose } from './compose.ts';
import { ComposedBody } from './composed-body.ts';
import { noQuorum, tooFew } from './too-few.ts';

/** What a fan-out answers, once that is certain. */
export type Verdict =
  | {
      readonly type: 'answer';
      readonly head: AnswerHead;
      readonly body: ComposedBody;
      /** The one that stands for all: nobody needs the others' bodies. null: the body is made of all of them. */
      readonly chosen: FanOutResponse | null;
    }
  | { readonly type: 'fail'; readonly detail: string };

/** The Pods' answers as they arrive, and what the selection's `respond` makes of them. */
export class Gathering {
  readonly #purpose: BodyPurpose;
  readonly #pods: readonly PodView[];
  readonly #arrived: FanOutAnswer[] = [];
  readonly #byPod = new Map<PodView, FanOutAnswer>();
  readonly #votes = new Votes();

  /** @param pods those asked, in the order in which their parts stand */
  constructor(purpose: BodyPurpose, pods: readonly PodView[]) {
    this.#purpose = purpose;
    this.#pods = pods;
  }

  get #selection(): FanOutSelection {
    return this.#purpose.selection;
  }

  /** @returns null: it depends on answers that are still to come */
  add(pod: PodView, answer: FanOutAnswer): Verdict | null {
    this.#arrived.push(answer);
    this.#byPod.set(pod, answer);
    const asked = this.#pods.length;
    const isLast = this.#arrived.length === asked;
    switch (this.#selection.respond) {
      case 'First':
        if (this.#isSuccess(answer)) return this.#standsForAll(answer);
        return isLast ? { type: 'fail', detail: tooFew(0, 1, asked, this.#arrived) } : null;
      case 'Quorum':
        return this.#count(answer, asked);
      default:
        return isLast ? this.#compose() : null;
    }
  }

  #count(answer: FanOutAnswer, asked: number): Verdict | null {
    const needed = quorumOf(this.#selection.minSuccess, asked);
    if (this.#isSuccess(answer) && !this.#votes.add(answer)) answer.body.free();
    const agreed = this.#votes.reached(needed);
    if (agreed !== null) return this.#standsForAll(agreed);
    if (this.#votes.canReach(needed, asked - this.#arrived.length)) return null;
    const failed = this.#arrived.filter((one) => !this.#isSuccess(one));
    const succeeded = this.#arrived.length - failed.length;
    return { type: 'fail', detail: noQuorum(succeeded, this.#votes.most, needed, asked, failed) };
  }

  #standsForAll(chosen: FanOutResponse): Verdict {
    const { body, status } = chosen;
    const partial = partialValue(failedPods(this.#arrived, this.#purpose.conditional), [chosen]);
    const headers = chosen.headers.filter(([name]) => name.toLowerCase() !== PARTIAL_FIELD.toLowerCase());
    return {
      type: 'answer',
      head: { status, headers: partial === null ? headers : [...headers, [PARTIAL_FIELD, partial]] },
      body: new ComposedBody([new SlicePart(body, 0, body.length, true)]),
      chosen,
    };
  }

  #compose(): Verdict {
    const answers = this.#pods.map((pod) => this.#byPod.get(pod)!);
    const composed = compose(this.#selection, answers, this.#purpose.bodiless);
    if (composed.type === 'fail') return { type: 'fail', detail: composed.detail };
    return { type: 'answer', head: composed, body: composed.body, chosen: null };
  }

  #isSuccess(answer: FanOutAnswer): answer is FanOutResponse {
    return isSuccess(answer, this.#purpose.conditional);
  }

  /** Frees what they hold. @param chosen but for this one */
  free(chosen: FanOutResponse | null): void {
    for (const answer of this.#arrived) if ('body' in answer && answer !== chosen) answer.body.free();
  }
}
