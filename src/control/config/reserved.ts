/**
 * Words of the contract that no release implements yet (SPEC 2, Reserved). They are refused by name, so that a file which
 * relies on them fails here and not in production.
 */
const RESERVED_KEYS: ReadonlySet<string> = new Set([
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
  'sentinel',
]);

/** By the key whose value they would be. */
const RESERVED_VALUES: ReadonlyMap<string, readonly string[]> = new Map([
  ['protocol', ['HTTP2']],
  ['type', ['Lease', 'Sentinel', 'RendezvousHash']],
]);

export const NOT_SUPPORTED = 'is not supported yet';

export function isReservedKey(key: string): boolean {
  return RESERVED_KEYS.has(key);
}

export function isReservedValue(key: string | number | undefined, value: unknown): boolean {
  if (typeof key !== 'string' || typeof value !== 'string') return false;
  const word = value.toLowerCase();
  return RESERVED_VALUES.get(key)?.some((reserved) => reserved.toLowerCase() === word) ?? false;
}
