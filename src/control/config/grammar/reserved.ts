import type { Path } from '../problem.ts';

/**
 * Words of the contract that no release implements yet (SPEC 2). They are refused by name, so that a file which relies on them
 * fails here and not in production.
 */
export const RESERVED_KEYS: ReadonlySet<string> = new Set([
  'tls',
  'grpc',
  'grpcStatus',
  'source',
  'zone',
  'proxyProtocol',
  'affinity',
  'freshness',
  'maxLag',
  'hedge',
  'handoff',
  'observe',
  'filters',
  'idempotencyKey',
  'workers',
  'tracing',
  'rehearse',
  'lease',
]);

/** By the last key of their path. */
const RESERVED_VALUES: ReadonlyMap<string, readonly string[]> = new Map([
  ['protocol', ['HTTP2']],
  ['type', ['Lease', 'RendezvousHash']],
]);

export const NOT_SUPPORTED = 'is not supported yet';

export function isReservedKey(key: string): boolean {
  return RESERVED_KEYS.has(key);
}

export function isReservedValue(path: Path, value: unknown): boolean {
  if (typeof value !== 'string') return false;
  const word = value.toLowerCase();
  const reserved = RESERVED_VALUES.get(String(path.at(-1)));
  return reserved?.some((one) => one.toLowerCase() === word) ?? false;
}
