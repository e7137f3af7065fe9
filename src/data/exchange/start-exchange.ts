import type { RequestHead } from '../http1/request-head.ts';
import type { InboundListener } from '../inbound-listener.ts';
import type { Refusal } from '../placement/admit.ts';
import { decide } from '../placement/decide.ts';
import type { Downstream, Exchange } from './exchange.ts';
import { FanOutExchange } from './fan-out-exchange.ts';
import type { HttpDeps } from './http-deps.ts';
import { RoutedExchange } from './routed-exchange.ts';

/** An exchange that its caller starts. */
export interface StartedExchange extends Exchange {
  /** Whether a byte of the request went to a Pod, in doubt true. */
  sent: boolean;
  start(): void;
}

/** Decides the way of a request whose head is whole, and makes the exchange of its rule's selection. The caller starts it. */
export function startExchange(
  deps: HttpDeps,
  down: Downstream,
  head: RequestHead,
  listener: InboundListener,
  nowMs: number,
): StartedExchange | Refusal {
  const decision = decide(deps, head, listener.snapshot);
  if (!('backend' in decision)) return decision;
  const { rule, backend } = decision;
  const { selection } = rule;
  return selection.type === 'FanOut'
    ? new FanOutExchange(selection, deps, down, head, listener, rule, backend, nowMs)
    : new RoutedExchange(deps, down, head, listener, rule, backend, nowMs);
}
