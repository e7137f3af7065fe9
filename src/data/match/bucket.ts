import type { MatchConfig } from '../../model/config.ts';
import { toByteString } from '../byte-string.ts';
import type { RequestView } from '../request-view.ts';
import { fieldOf } from './conditions.ts';

/** Tells whether the route of this number matches; routes have consecutive numbers in order of precedence. */
export type RouteTest = (route: number, request: RequestView) => boolean;

interface FieldTable {
  readonly kind: 'header' | 'query parameter';
  readonly name: string;
  readonly routes: Map<string, number[]>;
}

/**
 * Routes that share hostname and path condition. Those with an exact header or query parameter are found by its value,
 * so that a thousand tenants told apart by one header cost one look-up; the rest are tried in turn.
 */
export class Bucket {
  readonly #tables: FieldTable[] = [];
  readonly #rest: number[] = [];

  /** Routes must be added in ascending order. */
  add(route: number, match: MatchConfig | null): void {
    const header = match?.headers.find((field) => field.type === 'Exact');
    const param = match?.queryParams.find((field) => field.type === 'Exact');
    if (header !== undefined) this.#insert('header', header.name.toLowerCase(), header.value, route);
    else if (param !== undefined)
      this.#insert('query parameter', toByteString(param.name), param.value, route);
    else this.#rest.push(route);
  }

  #insert(kind: FieldTable['kind'], name: string, value: string, route: number): void {
    let table = this.#tables.find((other) => other.kind === kind && other.name === name);
    if (table === undefined) {
      table = { kind, name, routes: new Map() };
      this.#tables.push(table);
    }
    const key = toByteString(value);
    const routes = table.routes.get(key);
    if (routes === undefined) table.routes.set(key, [route]);
    else routes.push(route);
  }

  /** The first matching route that comes before `best`, else `best`. */
  first(request: RequestView, best: number, test: RouteTest): number {
    for (const { kind, name, routes } of this.#tables) {
      const value = fieldOf(request, kind, name);
      const candidates = value === undefined ? undefined : routes.get(value);
      if (candidates !== undefined) best = firstOf(candidates, request, best, test);
    }
    return firstOf(this.#rest, request, best, test);
  }
}

function firstOf(routes: readonly number[], request: RequestView, best: number, test: RouteTest): number {
  for (const route of routes) {
    if (route >= best) return best;
    if (test(route, request)) return route;
  }
  return best;
}
