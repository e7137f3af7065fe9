import type { RuleConfig } from '../../model/config.ts';
import type { Failure, FailureLabel } from '../../model/failure.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import type { InboundListener } from '../inbound-listener.ts';
import { Placement } from '../placement/placement.ts';
import type { PlacementOwner } from '../placement/placement-owner.ts';
import type { RuleBackendCells } from '../placement/rule-series.ts';
import type { Client } from '../stream/client.ts';
import { type Fields, NO_FIELDS, type Piece, type RequestMessage } from '../stream/message.ts';
import type { ExchangeDeps } from './exchange-deps.ts';
import type { RequestFacts, RequestObserver } from './request-observer.ts';

const NEVER = Number.POSITIVE_INFINITY;

/** What a request whose way was decided is made of. */
export interface Decided {
  readonly client: Client;
  readonly request: RequestMessage;
  readonly listener: InboundListener;
  readonly rule: RuleConfig;
  /** One of the rule's. */
  readonly backend: string;
  /** When it came (monotonic milliseconds). */
  readonly startedMs: number;
  /** Whether a byte of it went to a Pod already, before a reload let it begin anew. */
  readonly sent: boolean;
}

/** What goes this course. */
export interface CourseOwner {
  /** As `PlacementOwner.place`. */
  place(pods: readonly PodView[], backend: BackendSnapshot, waited: boolean): void;
  /** As `PlacementOwner.canFollow`. */
  canFollow(rule: RuleConfig): boolean;
  /** A reload gave it another rule or backend. */
  moved(): void;
  /** Ends everything that goes on upstream. */
  abandon(): void;
  /** The request's body as far as it is here. Asked only while nothing of it is with a Pod. */
  readonly bodySoFar: readonly Piece[];
}

/**
 * The course of one request from its decision to its end, whatever becomes of it: its place (placement/placement.ts), its deadline,
 * failures of headroute's own, and what is told of it. How it goes to the Pods that it is placed on is the owner's.
 */
export class Course implements PlacementOwner, RequestFacts {
  readonly placement: Placement;
  counted: RuleBackendCells | null = null;
  answeredMs = 0;
  deadlineMs: number;
  /** When `timeouts.request` ends. */
  requestDeadlineMs: number;
  received = 0;
  requestComplete: boolean;
  /** Whether a byte of the request went to a Pod. */
  sent: boolean;
  /** Whether a byte of the final answer went to the client. */
  responded = false;
  over = false;
  attempts = 0;
  pod: PodView | null = null;
  pods: readonly PodView[] | null = null;
  detail: string | null = null;
  bytesSent = 0;
  readonly #owner: CourseOwner;
  readonly #decided: Decided;
  readonly #observer: RequestObserver;

  constructor(owner: CourseOwner, deps: ExchangeDeps, decided: Decided) {
    const { request, listener, rule, backend, sent } = decided;
    this.#owner = owner;
    this.#decided = decided;
    this.#observer = deps.observer;
    this.sent = sent;
    this.requestComplete = !request.announcesBody || request.contentLength === 0;
    this.placement = new Placement(this, request, listener, rule, backend, deps);
    this.requestDeadlineMs = this.#requestDeadline();
    this.deadlineMs = this.requestDeadlineMs;
    this.#observer.matched(this);
  }

  get request(): RequestMessage {
    return this.#decided.request;
  }

  get client(): Client {
    return this.#decided.client;
  }

  get listener(): InboundListener {
    return this.#decided.listener;
  }

  get startedMs(): number {
    return this.#decided.startedMs;
  }

  get rule(): RuleConfig {
    return this.placement.rule;
  }

  #requestDeadline(): number {
    const { requestMs } = this.rule.timeouts;
    return requestMs > 0 ? this.startedMs + requestMs : NEVER;
  }

  place(pods: readonly PodView[], backend: BackendSnapshot, waited: boolean): void {
    this.#owner.place(pods, backend, waited);
  }

  canFollow(rule: RuleConfig): boolean {
    return this.#owner.canFollow(rule);
  }

  waits(): void {
    this.deadlineMs = this.requestDeadlineMs;
    this.#observer.held(this);
  }

  moved(): void {
    this.requestDeadlineMs = this.#requestDeadline();
    this.deadlineMs = this.requestDeadlineMs;
    this.#observer.matched(this);
    this.#owner.moved();
  }

  restart(): void {
    const { startedMs, sent, requestComplete } = this;
    const body = this.#owner.bodySoFar;
    this.#owner.abandon();
    this.over = true;
    this.deadlineMs = NEVER;
    this.#observer.restarted(this);
    this.client.restart({ startedMs, sent, body, complete: requestComplete });
  }

  crashed(): void {
    this.client.abort();
  }

  refuse(failure: Failure, detail: string): void {
    this.fail(failure, detail);
  }

  /** Answers with a failure of headroute's own, or cuts an answer that has begun. @param status where it is not the failure's own */
  fail(failure: Failure, detail: string, status?: number): void {
    if (this.over) return;
    this.detail = detail;
    this.#owner.abandon();
    const { answer } = this.client;
    if (this.responded) {
      this.end(0, failure);
      answer.breakOff();
      return;
    }
    const { rule, backend } = this.placement;
    const problem = { failure, detail, rule: rule.name, backend, sent: this.sent, status };
    const written = answer.fail(problem, this.debugFields());
    this.bytesSent += written.bytes;
    this.end(written.status, failure);
    answer.end(NO_FIELDS);
  }

  /** `timeouts.request` has ended. */
  failOverdue(): void {
    const { requestMs } = this.rule.timeouts;
    this.fail('request_timeout', `no whole answer within ${requestMs} ms (timeouts.request)`);
  }

  /** It goes to this Pod, after so many others as it has gone to. */
  picked(pod: PodView): void {
    this.pod = pod;
    this.attempts++;
    this.#observer.picked(this);
  }

  /** It goes to the Pods of a fan-out. */
  pickedAll(pods: readonly PodView[]): void {
    this.pods = pods;
    this.attempts = pods.length;
    this.#observer.picked(this);
  }

  /** Its head goes to a Pod. */
  tried(): void {
    this.sent = true;
    this.#observer.tried(this);
  }

  /** The client gets a final head. */
  answered(): void {
    this.responded = true;
    this.#observer.answered(this);
  }

  /** The client ended or reset its connection. */
  leave(): void {
    if (this.over) return;
    this.placement.end('client_gone');
    this.#owner.abandon();
    this.end(0, 'client_gone');
  }

  /** `X-Headroute-*` fields where the listener wants them. */
  debugFields(): Fields {
    if (!this.listener.snapshot.config.debugHeaders) return NO_FIELDS;
    const fields: [string, string][] = [['X-Headroute-Rule', fieldText(this.rule.name)]];
    if (this.pod !== null) fields.push(['X-Headroute-Pod', this.pod.name]);
    return [...fields, ['X-Headroute-Attempts', `${this.attempts}`]];
  }

  /** It is over. @param status of the answer; 0: there is no whole one */
  end(status: number, failure: FailureLabel | null): void {
    if (this.over) return;
    this.over = true;
    this.deadlineMs = NEVER;
    this.placement.end();
    this.#observer.over(this, status, failure);
  }
}

/** A configured name as a field value: bytes beyond Latin-1 and controls become `?`. */
function fieldText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}
