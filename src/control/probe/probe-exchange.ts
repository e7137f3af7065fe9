import type { Socket } from 'node:net';
import { after, monotonicMs, type Timer } from '../../platform/clock.ts';
import { guarded } from '../../platform/guard.ts';
import type { TlsTerms } from '../../platform/tls/handshake.ts';
import { dial } from './dial.ts';
import { failed, type ProbeResult, type ProbeTarget, type RunningProbe } from './probe-result.ts';

/** What a probe reads at most (SPEC 3). */
export const MAX_READ_BYTES = 64 * 1024;

/** Who is asked, and for how long. */
export interface ExchangeTarget {
  readonly target: ProbeTarget;
  readonly port: number;
  /** For the connection and the answer together. */
  readonly timeoutMs: number;
  /** null: plain. */
  readonly tls: TlsTerms | null;
}

/** What is said and heard on a probe's connection. */
export interface ExchangeScript {
  /** The connection is there: sends, and listens. */
  begin(socket: Socket, exchange: ProbeExchange): void;
  /** What the probe ends in where nothing ended it within its time. */
  late(): ProbeResult;
}

/** One exchange of a probe, as those see it that read its answer. */
export interface ProbeExchange {
  /** Hands the result over, the first time. The connection goes with it unless the rest of the answer is still read off. */
  end(result: ProbeResult, keepReading?: boolean): void;
  /** A handler of the connection: not called once that is closed; a mistake in it ends the probe. */
  entry<A extends readonly unknown[]>(run: (...args: A) => void): (...args: A) => void;
}

/**
 * One exchange on a connection of its own, never reused, over after `timeoutMs` whatever the Pod does. The handlers of the
 * connection stay on it when it is given up: Node's HTTP parser outside of the heap is freed by one of them.
 */
export function probeExchange(
  { target, port, timeoutMs, tls }: ExchangeTarget,
  script: ExchangeScript,
  done: (result: ProbeResult) => void,
): RunningProbe {
  const deadlineMs = monotonicMs() + timeoutMs;
  let timer: Timer | undefined;
  let over = false;
  let closed = false;
  const close = (): void => {
    closed = true;
    timer?.clear();
    cancelDial();
  };
  const end = (result: ProbeResult, keepReading = false): void => {
    if (!keepReading) close();
    if (over) return;
    over = true;
    done(result);
  };
  const entry = <A extends readonly unknown[]>(run: (...args: A) => void): ((...args: A) => void) =>
    guarded(
      'probe',
      (...args: A) => {
        if (!closed) run(...args);
      },
      () => end(failed('error', 'internal error')),
    );
  const onOpen = (socket: Socket): void => {
    timer = after(
      Math.max(0, deadlineMs - monotonicMs()),
      entry(() => end(script.late())),
    );
    script.begin(socket, { end, entry });
  };
  const cancelDial = dial({ addresses: target.addresses, port, timeoutMs, tls }, onOpen, end);
  return {
    cancel() {
      over = true;
      close();
    },
  };
}
