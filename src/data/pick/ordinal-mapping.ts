import type { OrdinalMapping } from '../../model/config.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import { toByteString } from '../byte-string.ts';
import { fnv1a64, jumpHash } from './hash.ts';
import { parseDecimal, remainder, type Uint64 } from './uint64.ts';

/** Kubernetes keeps ordinals in an int32. */
const MAX_ORDINAL = 0x7fff_ffff;

/** Where a key leads: to an ordinal, or (Exact only) to a Pod that has a name but no ordinal. */
export type MappedTo = { readonly ordinal: number } | { readonly pod: PodView };

/**
 * The target of a key, or null where the mapping cannot use it (SPEC 2, Ordinal keys). It depends on the configuration
 * alone, never on which Pods live: a missing Pod moves no other key (case O1).
 *
 * @param ownName whether the key is `self.podName`: the Pods of the application's StatefulSet have another base name than
 *   those of the backend, and their ordinal counts.
 */
export function mapKey(
  mapping: OrdinalMapping,
  key: string,
  backend: BackendSnapshot,
  ownName: boolean,
): MappedTo | null {
  switch (mapping.type) {
    case 'Exact':
      return exact(key, backend, ownName);
    case 'Modulo':
      return { ordinal: mapping.start + modulo(numberOf(key), mapping.replicas) };
    case 'JumpHash':
      return { ordinal: mapping.start + jumpHash(numberOf(key), mapping.replicas) };
    case 'Range':
      return range(key, mapping.ranges);
  }
}

/** The ordinals that a mapping can yield, as a test; `NextOrdinal` stays within them. */
export function isWithin(mapping: OrdinalMapping | null, ordinal: number): boolean {
  if (mapping === null || mapping.type === 'Exact') return true;
  if (mapping.type === 'Range') return mapping.ranges.some((entry) => entry.ordinal === ordinal);
  return ordinal >= mapping.start && ordinal < mapping.start + mapping.replicas;
}

/** A decimal key below 2^64 is itself (leading zeros make no difference), any other the FNV-1a of its bytes. */
function numberOf(key: string): Uint64 {
  return (/^[0-9]+$/.test(key) ? parseDecimal(key) : null) ?? fnv1a64(key);
}

function modulo(number: Uint64, replicas: number): number {
  if (replicas < 1 << 20) return remainder(number, replicas);
  return Number(((BigInt(number.hi) << 32n) | BigInt(number.lo)) % BigInt(replicas));
}

/** A decimal ordinal or a Pod name; neither with leading zeros. */
function exact(key: string, backend: BackendSnapshot, ownName: boolean): MappedTo | null {
  const ordinal = /^(?:.*-)?(0|[1-9][0-9]{0,9})$/.exec(key);
  const base = ordinal === null ? key : key.slice(0, -ordinal[1]!.length);
  const number = ordinal === null ? -1 : Number(ordinal[1]);
  if (number > MAX_ORDINAL) return null;
  if (number >= 0 && (base === '' || ownName || isBaseName(base.slice(0, -1), number, backend)))
    return { ordinal: number };
  const pod = backend.pods.find((other) => other.label !== '' && other.name === key && other.ordinal < 0);
  return pod === undefined ? null : { pod };
}

/** Whether `<base>-<ordinal>` names a Pod of this backend, which may be away. */
function isBaseName(base: string, ordinal: number, backend: BackendSnapshot): boolean {
  if (backend.byOrdinal.get(ordinal)?.name === `${base}-${ordinal}`) return true;
  if (backend.config.discovery.statefulSet?.name === base) return true;
  return backend.pods.some((pod) => pod.ordinal >= 0 && pod.name === `${base}-${pod.ordinal}`);
}

/** The first range whose bound lies above the key, by bytes; the last one has no bound. */
function range(
  key: string,
  ranges: readonly { readonly below: string | null; readonly ordinal: number }[],
): MappedTo | null {
  for (const { below, ordinal } of ranges)
    if (below === null || key < toByteString(below)) return { ordinal };
  return null;
}
