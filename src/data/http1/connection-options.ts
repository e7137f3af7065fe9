import type { FieldBlock } from './field-block.ts';
import { CONNECTION, TE } from './field-names.ts';

/** The `Connection` fields of a head (RFC 9110 section 7.6.1). */
export interface ConnectionOptions {
  readonly close: boolean;
  readonly keepAlive: boolean;
  readonly upgrade: boolean;
  /** Lower-case names of the fields that end at this hop; null: none beyond the well-known ones. */
  readonly nominated: ReadonlySet<string> | null;
}

const NO_OPTIONS: ConnectionOptions = { close: false, keepAlive: false, upgrade: false, nominated: null };
const CLOSE: ConnectionOptions = { close: true, keepAlive: false, upgrade: false, nominated: null };
const KEEP: ConnectionOptions = { close: false, keepAlive: true, upgrade: false, nominated: null };

/** What stays although named: it frames, routes or protects the message (SPEC 3, Forwarding). */
const PROTECTED = new Set(['host', 'content-length', 'transfer-encoding', 'authorization', 'via']);

/** Reads every Connection field; empty list members and other tokens than names are of no effect. */
export function connectionOptions(text: string, fields: FieldBlock): ConnectionOptions {
  if (!fields.has(CONNECTION)) return NO_OPTIONS;
  let close = false;
  let keepAlive = false;
  let upgrade = false;
  /** One set for all lines: a copy for each would cost lines × names. */
  let nominated: Set<string> | null = null;
  for (let i = 0; i < fields.count; i++) {
    if (fields.ids[i] !== CONNECTION) continue;
    const value = text.slice(fields.offsets[i * 4 + 2]!, fields.offsets[i * 4 + 3]!);
    if (value === 'keep-alive') keepAlive = true;
    else if (value === 'close') close = true;
    else
      for (const member of value.split(',')) {
        const name = member.trim().toLowerCase();
        if (name === 'close') close = true;
        else if (name === 'keep-alive') keepAlive = true;
        else if (name === 'upgrade') upgrade = true;
        else if (name !== '' && !PROTECTED.has(name) && !name.startsWith('x-forwarded-')) {
          nominated ??= new Set();
          nominated.add(name);
        }
      }
  }
  if (upgrade || nominated !== null || (close && keepAlive)) return { close, keepAlive, upgrade, nominated };
  return close ? CLOSE : keepAlive ? KEEP : NO_OPTIONS;
}

/** Whether TE lists `trailers`, the only member of it that concerns the next hop (RFC 9110 section 10.1.4). */
export function acceptsTrailers(text: string, fields: FieldBlock): boolean {
  if (!fields.has(TE)) return false;
  for (let i = 0; i < fields.count; i++) {
    if (fields.ids[i] !== TE) continue;
    const value = text.slice(fields.offsets[i * 4 + 2]!, fields.offsets[i * 4 + 3]!);
    if (value.split(',').some((member) => member.trim().toLowerCase() === 'trailers')) return true;
  }
  return false;
}

/** Whether the sender of a head keeps its connection open after the message (RFC 9112 section 9.3). */
export function keepsAlive(head: {
  readonly minor: number;
  readonly connection: ConnectionOptions;
}): boolean {
  const { close, keepAlive } = head.connection;
  return !close && (head.minor === 1 || keepAlive);
}
