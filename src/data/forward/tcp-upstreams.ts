import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import type { Dialer } from '../../platform/dialer.ts';
import { runGuarded } from '../../platform/guard.ts';
import type { TlsClients } from '../../platform/tls/clients.ts';
import { SOCKET_OPTIONS } from '../socket-options.ts';
import type { DialEvents, RawUpstreams } from '../stream/raw.ts';
import { podTls } from './pod-tls.ts';
import { RawSide } from './raw-side.ts';
import type { UpstreamPools } from './upstream-pools.ts';

/** Connections to Pods for bytes alone, counted with those of their Pod. */
export class TcpUpstreams implements RawUpstreams {
  readonly #pools: UpstreamPools;
  readonly #tls: TlsClients;
  readonly #dialer: Dialer;

  constructor(pools: UpstreamPools, tls: TlsClients, dialer: Dialer) {
    this.#pools = pools;
    this.#tls = tls;
    this.#dialer = dialer;
  }

  inFlight(podId: number): number {
    return this.#pools.inFlight(podId);
  }

  dial(pod: PodView, backend: string, snapshot: BackendSnapshot, events: DialEvents): () => void {
    const pool = this.#pools.of(backend, pod);
    pool.begin();
    const target = {
      addresses: pod.addresses,
      port: pod.port,
      timeoutMs: snapshot.config.connection.connectTimeoutMs,
      options: SOCKET_OPTIONS,
      tls: podTls(this.#tls, snapshot, pod, null),
    };
    const dial = this.#dialer.dial(target, {
      opened: (socket) => {
        const side = new PodSide(socket, null, pool);
        runGuarded(
          'tcp',
          () => events.opened(side),
          () => {
            side.reset();
            events.crashed();
          },
        );
      },
      unopened: ({ kind, reason, tls }) =>
        runGuarded(
          'tcp',
          () => {
            pool.end();
            if (tls !== undefined) pool.tlsFailed(tls);
            const isLocal = kind === 'local';
            pool.result(isLocal ? 'local_error' : 'connect_failed').value++;
            if (isLocal) pool.localError(reason);
            events.unopened(isLocal ? 'local' : 'pod', reason);
          },
          () => events.crashed(),
        ),
    });
    return () => {
      dial.cancel();
      pool.end();
    };
  }
}

/** It counts as a use of its Pod once bytes may go over it. */
class PodSide extends RawSide {
  override joined(): void {
    this.pool!.result('ok').value++;
    this.pool!.tunnelOpened();
  }
}
