import { connect, type Socket } from 'node:net';
import type { PodView } from '../../model/pod.ts';
import { localErrorOf } from '../../platform/local-error.ts';
import { SOCKET_OPTIONS } from '../socket-options.ts';

/** Why there is no connection. */
export interface DialFailure {
  /** In words. */
  readonly reason: string;
  /** This machine could ask none of the Pod's addresses: nothing is known of the Pod. */
  readonly isLocal: boolean;
}

/**
 * Opens a connection to a Pod within `timeoutMs`; of two addresses the second is tried if the first fails, or takes more
 * than half of the time. The socket is half-open capable, without Nagle, with keepalive.
 *
 * @param done called once
 * @returns a function that gives up without a call
 */
export function dial(
  pod: PodView,
  timeoutMs: number,
  done: (result: Socket | DialFailure) => void,
): () => void {
  const startedMs = performance.now();
  let giveUp = (): void => {};
  /** What the Pod, not this machine, made fail. */
  let told: string | null = null;
  const attempt = (index: number): void => {
    const host = pod.addresses[index]!;
    const isLast = index === pod.addresses.length - 1;
    const leftMs = timeoutMs - (performance.now() - startedMs);
    const socket = connect({
      host,
      port: pod.port,
      ...SOCKET_OPTIONS,
    });
    const settle = (): void => {
      clearTimeout(timer);
      socket.off('error', onError);
      socket.off('connect', onConnect);
    };
    giveUp = () => {
      settle();
      socket.on('error', () => {});
      socket.destroy();
    };
    const failed = (reason: string): void => {
      giveUp();
      const local = localErrorOf(reason);
      if (local === null) told = reason;
      if (!isLast) attempt(index + 1);
      else if (told === null) done({ reason: local!, isLocal: true });
      else done({ reason: told, isLocal: false });
    };
    const onError = (error: NodeJS.ErrnoException): void => failed(error.code ?? error.message);
    const onConnect = (): void => {
      settle();
      done(socket);
    };
    const timer = setTimeout(
      () => failed(`no connection within ${Math.round(timeoutMs)} ms`),
      Math.max(1, isLast ? leftMs : leftMs / 2),
    );
    socket.once('error', onError);
    socket.once('connect', onConnect);
  };
  attempt(0);
  return () => giveUp();
}
