import type { TlsClients } from '../../platform/tls/clients.ts';
import { RequestHead } from '../http1/request-head.ts';
import type { Ask, Upstream, UpstreamEvents, Upstreams } from '../stream/upstream.ts';
import { H1Upstream } from './h1-upstream.ts';
import { podTls } from './pod-tls.ts';
import type { UpstreamPools } from './upstream-pools.ts';

/** Ways to Pods over HTTP/1.1, for requests that came by it. */
export class H1Upstreams implements Upstreams {
  readonly #pools: UpstreamPools;
  readonly #tls: TlsClients;
  readonly #hopName: string;

  /** @param hopName this process's name in `Via` */
  constructor(pools: UpstreamPools, tls: TlsClients, hopName: string) {
    this.#pools = pools;
    this.#tls = tls;
    this.#hopName = hopName;
  }

  open(ask: Ask, events: UpstreamEvents): Upstream {
    const { request, backend, pod, snapshot } = ask;
    if (!(request instanceof RequestHead)) throw new TypeError('a request that is no HTTP/1 request');
    const tls = podTls(this.#tls, snapshot, pod, 'http/1.1');
    return new H1Upstream(ask, request, events, this.#pools.of(backend, pod), tls, this.#hopName);
  }

  inFlight(podId: number): number {
    return this.#pools.inFlight(podId);
  }
}
