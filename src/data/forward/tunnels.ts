import type { Socket } from 'node:net';
import type { OutcomeSink } from '../../boundary/outcome-sink.ts';
import type { SnapshotCell } from '../../boundary/snapshot-cell.ts';
import type { PodView } from '../../model/pod.ts';
import { monotonicMs } from '../../platform/clock.ts';
import { endOfListener, type InboundListener } from '../inbound-listener.ts';
import type { JointEnd, RawStream, StreamTerms, Tunnels } from '../stream/raw.ts';
import { joinSockets, type TunnelEnd } from './join-sockets.ts';
import { RawSide } from './raw-side.ts';
import type { Cut, Tunnel, TunnelRegistry } from './tunnel-registry.ts';
import type { PodPool } from './upstream-pool.ts';

type Bytes = Pick<JointEnd, 'bytesReceived' | 'bytesSent'>;

export interface TunnelDeps {
  readonly cell: SnapshotCell;
  readonly outcomes: OutcomeSink;
}

const OUTDATED: Cut = { end: 'demotion', detail: 'its Pod has not been heard to lead for too long' };

/** TCP connections and upgraded ones: two sockets, joined until both ways have ended or the registry cuts them. */
export class SocketTunnels implements Tunnels {
  readonly #registry: TunnelRegistry;
  readonly #deps: TunnelDeps;

  constructor(registry: TunnelRegistry, deps: TunnelDeps) {
    this.#registry = registry;
    this.#deps = deps;
  }

  join(client: RawStream, upstream: RawStream, terms: StreamTerms, ended: (end: JointEnd) => void): void {
    const { outcomes, cell } = this.#deps;
    const ours = sideOf(client);
    const theirs = sideOf(upstream);
    const pool = theirs.pool!;
    const bytes = bytesFromNowOn(ours);
    const countBytes = countingInto(ours.socket, terms.listener);
    theirs.joined();
    if (theirs.pending !== null) ours.socket.write(theirs.pending);
    if (ours.pending !== null) theirs.socket.write(ours.pending);
    let remove = (): void => {};
    let cut: Cut | null = null;
    const { unread, clock } = this.#registry;
    const nowMs = (): number => clock.nowMs();
    const joint = joinSockets(ours.socket, theirs.socket, unread, nowMs, (end) => {
      remove();
      countBytes();
      pool.tunnelEnded();
      pool.end();
      // A leader that closes a connection by itself may have lost its role.
      if (terms.rule.selection.type === 'Leader' && end.first === 'upstream')
        outcomes.report({ kind: 'leader_closed', podId: terms.pod.id });
      ended({ ...(cut ?? endOf(end, terms.listener)), ...bytes() });
    });
    const destroy = (why: Cut): void => {
      cut ??= why;
      joint.cut();
    };
    const watch = watched(terms);
    if (watch.onDemotion === 'Close') this.#gate(theirs.socket, terms.pod, pool, () => destroy(OUTDATED));
    const tunnel: Tunnel = {
      ...watch,
      upstream: theirs.socket,
      countBytes,
      onUnready: cell.current().backends.get(pool.backend)?.config.connection.onUnready ?? 'Keep',
      destroy,
      pause: joint.pause,
      resume: joint.resume,
      answeredForMs: joint.answeredForMs,
    };
    remove = this.#registry.add(tunnel, pool.backend);
  }

  watchRequest(terms: StreamTerms, isWithPod: () => boolean, cut: (reason: string) => void): () => void {
    const request: Tunnel = {
      ...watched(terms),
      onUnready: 'Keep',
      isWithPod,
      destroy: ({ detail }) => cut(detail),
    };
    return this.#registry.add(request, terms.backend);
  }

  /**
   * A leader's claim has an age, which is looked at for each chunk that goes to it (promise 4): after a stop of this process what
   * clients have sent is read before anything else happens.
   */
  #gate(socket: Socket, pod: PodView, pool: PodPool, cut: () => void): void {
    const { cell } = this.#deps;
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
    socket.write = (...args: unknown[]): boolean => {
      if (!cell.leases.isOver(pool.backend, pod.id, monotonicMs())) return write(...args);
      cut();
      return false;
    };
  }
}

function watched({
  listener,
  pod,
  rule,
}: StreamTerms): Pick<Tunnel, 'listener' | 'podId' | 'rule' | 'onDemotion'> {
  const { selection } = rule;
  const onDemotion = selection.type === 'Leader' ? selection.onDemotion : null;
  return { listener, podId: pod.id, rule: rule.name, onDemotion };
}

/** How it ended where nothing here cut it. */
function endOf({ first, broken }: TunnelEnd, listener: InboundListener): Omit<JointEnd, keyof Bytes> {
  if (broken !== null) {
    const detail = `${broken.side === 'client' ? 'the client' : 'the Pod'}: ${broken.code}`;
    return { end: broken.code === 'ETIMEDOUT' ? 'vanished' : 'reset', detail };
  }
  if (first !== 'cut') return { end: first === 'client' ? 'client' : 'pod', detail: null };
  return { end: endOfListener(listener) ?? 'reset', detail: null };
}

/** What passes between the client and here, once it is asked for. */
function bytesFromNowOn({ socket, pending }: RawSide): () => Bytes {
  const before = socket.bytesRead - (pending?.length ?? 0);
  const sentBefore = socket.bytesWritten;
  return () => ({
    bytesReceived: socket.bytesRead - before,
    bytesSent: socket.bytesWritten - sentBefore,
  });
}

/** What was read before is counted already. @returns counts what has passed since the last call */
function countingInto(socket: Socket, listener: InboundListener): () => void {
  let { bytesRead, bytesWritten } = socket;
  return () => {
    const { received, sent } = listener.traffic;
    received.value += socket.bytesRead - bytesRead;
    sent.value += socket.bytesWritten - bytesWritten;
    ({ bytesRead, bytesWritten } = socket);
  };
}

/** Streams of other codecs are joined by them. */
function sideOf(stream: RawStream): RawSide {
  if (stream instanceof RawSide) return stream;
  throw new TypeError('a stream that is no socket cannot be joined with one');
}
