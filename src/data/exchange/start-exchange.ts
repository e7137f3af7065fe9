import type { InboundListener } from '../inbound-listener.ts';
import type { Refusal } from '../placement/admit.ts';
import { decide } from '../placement/decide.ts';
import type { Client, Exchange } from '../stream/client.ts';
import type { RequestMessage } from '../stream/message.ts';
import { DeliverOne } from './deliver-one.ts';
import type { ExchangeDeps } from './exchange-deps.ts';
import { FanOut } from './fan-out.ts';
import type { FanOutMemory } from './fan-out-memory.ts';

/** A listener for requests. */
export interface RequestListener extends InboundListener {
  /** What its fan-outs hold. */
  readonly fanOutMemory: FanOutMemory;
}

/** An exchange that its caller starts. */
export interface StartedExchange extends Exchange {
  start(): void;
}

/**
 * Decides the way of a request whose head is whole, and makes the exchange of its rule's selection. The caller starts it.
 * @param startedMs when the request came (monotonic milliseconds)
 * @param sent whether a byte of it went to a Pod already, before a reload let it begin anew
 */
export function startExchange(
  deps: ExchangeDeps,
  client: Client,
  request: RequestMessage,
  listener: RequestListener,
  startedMs: number,
  sent = false,
): StartedExchange | Refusal {
  const decision = decide(deps, request, listener.snapshot);
  if (!('backend' in decision)) return decision;
  const { rule, backend } = decision;
  const { selection } = rule;
  const decided = { client, request, listener, rule, backend, startedMs, sent };
  return selection.type === 'FanOut'
    ? new FanOut(selection, deps, decided, listener.fanOutMemory)
    : new DeliverOne(deps, decided);
}
