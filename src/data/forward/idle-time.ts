import * as names from '../http1/field-names.ts';
import type { ResponseHead } from '../http1/response-head.ts';

/**
 * How long a connection may idle after this answer: shorter than what the Pod announces (`Keep-Alive: timeout`, RFC 9112
 * section 9.3), so that the Pod never closes first.
 */
export function idleTimeMs(head: ResponseHead, idleTimeoutMs: number): number {
  const i = head.fields.find(names.KEEP_ALIVE);
  if (i < 0) return idleTimeoutMs;
  const announced = /(?:^|[ ,])timeout=(\d{1,6})/i.exec(head.value(i));
  if (announced === null) return idleTimeoutMs;
  const announcedMs = Number(announced[1]) * 1000;
  return Math.min(idleTimeoutMs, Math.max(announcedMs / 2, announcedMs - 1000));
}
