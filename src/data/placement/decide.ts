import type { FanOutSelection, RuleConfig } from '../../model/config.ts';
import type { ListenerSnapshot } from '../../model/snapshot.ts';
import { matcherFor } from '../match/matcher.ts';
import { chooseBackend } from '../pick/choose-backend.ts';
import type { RequestView } from '../request-view.ts';
import { isSafeMethod } from '../safe-methods.ts';
import { type AdmissibleRequest, type Gate, type Refusal, refusalOf } from './admit.ts';
import { KEPT_BODY_BYTES } from './retry.ts';

/** Where a request or a connection goes, before a Pod of the backend is picked. */
export interface Decision {
  readonly rule: RuleConfig;
  /** One of the rule's backends. */
  readonly backend: string;
}

/** What deciding asks of its surroundings. */
export interface Surroundings extends Gate {
  /** Uniform in [0, 1). */
  random(): number;
}

/** A TCP connection has no method, path or field: rules of a TCP listener have no matches, and no key but `self`. */
export const NO_REQUEST: RequestView = { method: '', path: '', query: '', host: '', header: () => undefined };

/**
 * The way of a request whose head is whole: what no Pod may see is refused, the rule is matched, a backend chosen by weight.
 * Nothing is moved by it: the data path and `explain` both call it, so that what the one says is what the other does.
 */
export function decide(
  surroundings: Surroundings,
  request: AdmissibleRequest,
  listener: ListenerSnapshot,
): Decision | Refusal {
  const refusal = refusalOf(request, surroundings);
  return refusal ?? decideRoute(surroundings, request, listener);
}

/** The same for a TCP connection: one that is not admitted was never accepted. */
export function decideConnection(
  surroundings: Pick<Surroundings, 'random'>,
  listener: ListenerSnapshot,
): Decision | Refusal {
  return decideRoute(surroundings, NO_REQUEST, listener);
}

function decideRoute(
  surroundings: Pick<Surroundings, 'random'>,
  request: RequestView,
  listener: ListenerSnapshot,
): Decision | Refusal {
  const rule = matcherFor(listener).match(request);
  if (rule === null) return { failure: 'no_route', detail: noRoute(request, listener) };
  const backend = chooseBackend(rule.backendRefs, surroundings.random);
  if (backend === null)
    return { failure: 'no_endpoint', detail: 'every backend of the rule has weight 0', rule: rule.name };
  return { rule, backend };
}

function noRoute({ method, path }: RequestView, { config }: ListenerSnapshot): string {
  return method === '' ? `listener ${config.name} has no rule` : `no rule matches ${method} ${path}`;
}

/** Why a fan-out asks no Pod, whatever its state. `status` where it is not the failure's own. */
export interface FanOutRefusal {
  readonly failure: 'method_not_allowed' | 'bad_request';
  readonly detail: string;
  readonly status?: number;
}

export const TOO_LARGE: FanOutRefusal = {
  failure: 'bad_request',
  detail: `the body of a fan-out is kept up to ${KEPT_BODY_BYTES} bytes`,
  status: 413,
};

/**
 * What a fan-out does not send on: unsafe methods, unless it may, and bodies that it could not keep for every Pod.
 * @param request `contentLength` -1: not told
 */
export function fanOutRefusal(
  { allowUnsafe }: FanOutSelection,
  { method, contentLength }: { readonly method: string; readonly contentLength: number },
): FanOutRefusal | null {
  if (!isSafeMethod(method) && !allowUnsafe)
    return {
      failure: 'method_not_allowed',
      detail: `a fan-out takes safe methods only, not ${method} (allowUnsafe)`,
    };
  return contentLength > KEPT_BODY_BYTES ? TOO_LARGE : null;
}
