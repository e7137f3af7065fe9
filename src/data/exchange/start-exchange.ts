import { hasLooped } from '../forward/loop-guard.ts';
import * as names from '../http1/field-names.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { InboundListener } from '../inbound-listener.ts';
import { matcherFor } from '../match/matcher.ts';
import { chooseBackend } from '../pick/choose-backend.ts';
import type { Downstream, Exchange } from './exchange.ts';
import { FanOutExchange } from './fan-out-exchange.ts';
import type { HttpDeps } from './http-deps.ts';
import { RoutedExchange } from './routed-exchange.ts';

/** An answer of headroute's own, before any rule: a failure, or what OPTIONS with `Max-Forwards: 0` asked this hop for. */
export type Refusal =
  | {
      readonly failure:
        | 'draining'
        | 'method_not_allowed'
        | 'loop_detected'
        | 'no_route'
        | 'bad_request'
        | 'no_endpoint';
      readonly detail: string;
      readonly rule?: string;
    }
  | { readonly failure: null };

/** An exchange that its caller starts. */
export interface StartedExchange extends Exchange {
  /** Whether a byte of the request went to a Pod, in doubt true. */
  sent: boolean;
  start(): void;
}

/**
 * The way of a request whose head is whole: what no Pod may see is refused, the rule is matched, a backend chosen by
 * weight, and the exchange of the rule's selection made. The caller starts it.
 */
export function startExchange(
  deps: HttpDeps,
  down: Downstream,
  head: RequestHead,
  listener: InboundListener,
  nowMs: number,
): StartedExchange | Refusal {
  const refusal = refusalOf(deps, head);
  if (refusal !== null) return refusal;
  const rule = matcherFor(listener.snapshot).match(head);
  if (rule === null) return { failure: 'no_route', detail: `no rule matches ${head.method} ${head.path}` };
  const backend = chooseBackend(rule.backendRefs, deps.random);
  if (backend === null)
    return { failure: 'no_endpoint', detail: 'every backend of the rule has weight 0', rule: rule.name };
  const { selection } = rule;
  return selection.type === 'FanOut'
    ? new FanOutExchange(selection, deps, down, head, listener, rule, backend, nowMs)
    : new RoutedExchange(deps, down, head, listener, rule, backend, nowMs);
}

/** The fields that a TRACE must not carry: its echo would show them (RFC 9110 section 9.3.8). */
const SENSITIVE = [names.AUTHORIZATION, names.COOKIE, names.PROXY_AUTHORIZATION];

function refusalOf(deps: HttpDeps, head: RequestHead): Refusal | null {
  const { method, fields } = head;
  if (deps.draining()) return { failure: 'draining', detail: 'the sidecar drains' };
  if (method === 'CONNECT') return { failure: 'method_not_allowed', detail: 'CONNECT is not served' };
  if (
    method === 'TRACE' &&
    (head.chunked || head.contentLength >= 0 || SENSITIVE.some((id) => fields.has(id)))
  )
    return {
      failure: 'bad_request',
      detail: 'a TRACE with a body, or with a field that its echo would show',
    };
  if ((method === 'TRACE' || method === 'OPTIONS') && fields.has(names.MAX_FORWARDS)) {
    const value = head.value(fields.find(names.MAX_FORWARDS));
    if (!/^\d{1,9}$/.test(value) || fields.countOf(names.MAX_FORWARDS) > 1)
      return { failure: 'bad_request', detail: 'a Max-Forwards that is not one number' };
    if (Number(value) === 0)
      return method === 'OPTIONS'
        ? { failure: null }
        : { failure: 'method_not_allowed', detail: 'TRACE is not answered here' };
  }
  if (hasLooped(head, deps.hopName))
    return { failure: 'loop_detected', detail: `Via names ${deps.hopName}, this very process, already` };
  return null;
}
