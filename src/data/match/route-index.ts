import type { MatchConfig } from '../../model/config.ts';
import type { Route } from '../../model/snapshot.ts';
import { toByteString } from '../byte-string.ts';
import type { RequestView } from '../request-view.ts';
import { Bucket, type RouteTest } from './bucket.ts';
import { hostOf, prefixOf } from './conditions.ts';

/**
 * Finds the first matching route without trying every one: by hostname, then by path, then by an exact field. What it
 * looks up is bounded by the longest hostname and prefix of the configuration, not by what a client sends.
 */
export class RouteIndex {
  readonly #anyHost = new PathIndex();
  readonly #hosts = new Map<string, PathIndex>();
  /** By `.example.com`. */
  readonly #suffixes = new Map<string, PathIndex>();
  #longestSuffix = 0;

  constructor(routes: readonly Route[]) {
    routes.forEach((route, number) => {
      this.#pathsOf(route.hostname).add(number, route.match);
    });
  }

  #pathsOf(hostname: string | null): PathIndex {
    if (hostname === null) return this.#anyHost;
    if (!hostname.startsWith('*.')) return entry(this.#hosts, hostname, () => new PathIndex());
    const suffix = hostname.slice(1);
    this.#longestSuffix = Math.max(this.#longestSuffix, suffix.length);
    return entry(this.#suffixes, suffix, () => new PathIndex());
  }

  /** The number of the first route for which `test` holds, or Infinity. */
  first(request: RequestView, test: RouteTest): number {
    let best = this.#anyHost.first(request, Number.POSITIVE_INFINITY, test);
    if (this.#hosts.size === 0 && this.#suffixes.size === 0) return best;
    const host = hostOf(request);
    best = this.#hosts.get(host)?.first(request, best, test) ?? best;
    for (
      let dot = host.lastIndexOf('.');
      dot > 0 && host.length - dot <= this.#longestSuffix;
      dot = host.lastIndexOf('.', dot - 1)
    )
      best = this.#suffixes.get(host.slice(dot))?.first(request, best, test) ?? best;
    return best;
  }
}

/** The routes of one hostname by path. */
class PathIndex {
  readonly #exact = new Map<string, Bucket>();
  /** By the prefix without its final slash. */
  readonly #prefixes = new Map<string, Bucket>();
  #longestPrefix = -1;
  /** Any path, and regular expressions. */
  readonly #others = new Bucket();

  add(route: number, match: MatchConfig | null): void {
    this.#bucketOf(match).add(route, match);
  }

  #bucketOf(match: MatchConfig | null): Bucket {
    const path = match?.path ?? null;
    if (path === null || path.type === 'RegularExpression') return this.#others;
    if (path.type === 'Exact') return entry(this.#exact, toByteString(path.value), () => new Bucket());
    const prefix = prefixOf(path.value);
    this.#longestPrefix = Math.max(this.#longestPrefix, prefix.length);
    return entry(this.#prefixes, prefix, () => new Bucket());
  }

  first(request: RequestView, best: number, test: RouteTest): number {
    best = this.#others.first(request, best, test);
    if (this.#exact.size > 0) best = this.#exact.get(request.path)?.first(request, best, test) ?? best;
    if (this.#prefixes.size === 0) return best;
    const { path } = request;
    for (
      let end = path.indexOf('/');
      end >= 0 && end <= this.#longestPrefix;
      end = path.indexOf('/', end + 1)
    )
      best = this.#prefixes.get(path.slice(0, end))?.first(request, best, test) ?? best;
    if (path.length <= this.#longestPrefix)
      best = this.#prefixes.get(path)?.first(request, best, test) ?? best;
    return best;
  }
}

function entry<V>(map: Map<string, V>, key: string, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
