import type { RequestView } from '../request-view.ts';
import { hasLooped } from './loop.ts';

/** What admission looks at beside what routing does. */
export interface AdmissibleRequest extends RequestView {
  /** Whether its head announces a body, an empty one included. */
  readonly announcesBody: boolean;
  /** The value of each `Via` line; null: there is none. */
  readonly via: readonly string[] | null;
}

/** What admission knows of this process. */
export interface Gate {
  /** New requests are answered with `draining` (POST /drain). */
  draining(): boolean;
  /** This process's name in `Via`. */
  readonly hopName: string;
}

/** An answer of headroute's own, before any Pod is picked: a failure, or what OPTIONS with `Max-Forwards: 0` asked this hop for. */
export type Refusal =
  | {
      readonly failure:
        | 'draining'
        | 'method_not_allowed'
        | 'loop_detected'
        | 'no_route'
        | 'bad_request'
        | 'no_endpoint';
      readonly detail: string;
      /** The rule's name, where one matched. */
      readonly rule?: string;
    }
  | { readonly failure: null };

/** The fields that a TRACE must not carry: its echo would show them (RFC 9110 section 9.3.8). */
const SENSITIVE = ['authorization', 'cookie', 'proxy-authorization'];

/** What no Pod may see, whatever the rules say; null: the request is admitted. */
export function refusalOf(request: AdmissibleRequest, gate: Gate): Refusal | null {
  const { method } = request;
  if (gate.draining()) return { failure: 'draining', detail: 'the sidecar drains' };
  if (method === 'CONNECT') return { failure: 'method_not_allowed', detail: 'CONNECT is not served' };
  if (
    method === 'TRACE' &&
    (request.announcesBody || SENSITIVE.some((name) => request.header(name) !== undefined))
  )
    return {
      failure: 'bad_request',
      detail: 'a TRACE with a body, or with a field that its echo would show',
    };
  if (method === 'TRACE' || method === 'OPTIONS') {
    const forwards = request.header('max-forwards');
    // Two lines of it read as one value with a comma.
    if (forwards !== undefined && !/^\d{1,9}$/.test(forwards))
      return { failure: 'bad_request', detail: 'a Max-Forwards that is not one number' };
    if (Number(forwards ?? 1) === 0)
      return method === 'OPTIONS'
        ? { failure: null }
        : { failure: 'method_not_allowed', detail: 'TRACE is not answered here' };
  }
  const { via } = request;
  if (via !== null && hasLooped(via, gate.hopName))
    return { failure: 'loop_detected', detail: `Via names ${gate.hopName}, this very process, already` };
  return null;
}
