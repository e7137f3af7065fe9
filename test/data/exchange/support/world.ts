import type { RuleConfig } from '../../../../src/model/config.ts';

/** A client, one listener and Pods that speak one protocol; the stories of contract.test.ts are told in it. */
export interface World {
  readonly pods: readonly PodSide[];
  ask(request: Asking): Promise<Talk>;
  setLeader(name: string | null): void;
  reload(rules: readonly Partial<RuleConfig>[]): Promise<void>;
  /** The kinds of outcomes reported so far. */
  outcomes(): readonly string[];
  /** A metric's cells with these labels, summed. */
  metric(name: string, ...labels: string[]): number;
}

export interface Asking {
  readonly method: string;
  readonly path?: string;
  /** A whole body; `null`: it is sent by `Talk.send`; default: none. */
  readonly body?: string | null;
  /** Asks for a tunnel. */
  readonly upgrade?: string;
  /** Takes nothing of the answer until `Talk.take`. */
  readonly isSlow?: boolean;
}

/** What the client was told. */
export interface Told {
  readonly status: number;
  readonly body: string;
  readonly trailers: Readonly<Record<string, string>>;
  /** The answer came to its end. */
  readonly isWhole: boolean;
  /** Of an answer of headroute's own. */
  readonly failure: string | null;
  readonly sent: boolean | null;
  /** Statuses of interim answers. */
  readonly interims: readonly number[];
}

/** The client's side of one request. */
export interface Talk {
  send(text: string, isLast: boolean): void;
  leave(): void;
  take(): void;
  told(): Promise<Told>;
  /** After a 101: says this, and waits until it hears that. */
  says(text: string, hears: string): Promise<void>;
}

/** A Pod. */
export interface PodSide {
  /** Takes no connection from now on, and has none. */
  goDown(): void;
  /** The next request that comes, as soon as its head is there. */
  next(): Promise<Asked>;
  readonly requests: number;
}

/** A request at a Pod. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  /** What came of its body so far. */
  readonly received: string;
  readonly isComplete: boolean;
  /** The sidecar has let go of it. */
  readonly isGone: boolean;
  /** The sidecar takes no more of the answer for now. */
  readonly isHeldBack: boolean;
  answer(status: number, body: string): void;
  interim(status: number): void;
  begin(status: number): void;
  data(text: string): void;
  end(trailers?: Readonly<Record<string, string>>): void;
  breakOff(): void;
  /** Becomes a tunnel that says back in capitals what it hears. */
  switchTo(protocol: string): void;
}

export interface WorldOptions {
  readonly pods: number;
  readonly rule: Partial<RuleConfig>;
  readonly leader?: string | null;
  readonly learns?: boolean;
}
