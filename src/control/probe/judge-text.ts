import type { ClaimValues, TcpExchangeProbe } from '../../model/config.ts';
import { redactText } from '../../model/redact.ts';
import { failed, type ProbeResult, printable } from './probe-result.ts';
import { lineValue, readLineage } from './read-lineage.ts';
import { decodeReply, isError, type Reply, RespError } from './resp.ts';
import { hiddenOf, SHOWN_BYTES, saidWords } from './said.ts';

/**
 * As much of what was received as decides; null: more is to come.
 * @param from how much of it was known before
 */
export function wholeAnswer(received: Buffer, probe: TcpExchangeProbe, from: number): Buffer | null {
  switch (probe.reply) {
    case 'Line': {
      const end = received.indexOf('\n');
      return end < 0 ? null : received.subarray(0, end + 1);
    }
    case 'RESP':
      try {
        return repliesOf(received, probe) === null ? null : received;
      } catch {
        return received;
      }
    case null: {
      const wanted = Buffer.from(probe.expectContains);
      // Only the end of what was searched already can be part of a match.
      return received.indexOf(wanted, Math.max(0, from - wanted.length)) < 0 ? null : received;
    }
  }
}

/**
 * Judges an answer by the text that it must contain.
 * @param why why nothing more is waited for, where the answer is not known to be whole
 */
export function judgeText(
  received: Buffer,
  probe: TcpExchangeProbe,
  shown: ClaimValues | null,
  why: string | null,
): ProbeResult {
  const hidden = hiddenOf(probe);
  const said = (text: string): string => saidWords(text.replace(/^\$\d+\r?\n/, ''), hidden) ?? '""';
  let text = received.toString('utf8');
  if (probe.reply === 'RESP') {
    const { problem, last } = respOf(received, probe);
    if (problem !== null)
      return {
        ...failed('failure', `answered ${said(problem)}`, true),
        kind: 'error_reply',
        unclear: true,
      };
    if (last === null) return failed('error', `the answer is not whole (${why}): ${said(text)}`);
    text = last;
  }
  if (!text.includes(probe.expectContains)) {
    const instead = otherValue(text, probe.expectContains);
    const after = why === null ? '' : ` (${why})`;
    const reason =
      instead === null
        ? `the answer lacks the expected text${after}: ${said(text)}`
        : `answered ${shownLine(instead, hidden)}, not ${shownLine(probe.expectContains.trim(), hidden)}`;
    return { ...failed('failure', reason, true), kind: 'other_text' };
  }
  const lineage =
    shown?.lineage == null
      ? null
      : readLineage(shown.lineage, (place) => ('line' in place ? lineValue(text, place.line) : null));
  const reason = 'the answer contains the expected text';
  return { outcome: 'success', reason, answered: true, term: null, lineage };
}

/** The line that stands where the expected one (`role:master`) should, as in `INFO` of Redis; null: none does, or the expected text is no such line. */
function otherValue(text: string, expected: string): string | null {
  const name = /^(\w+):\S*$/.exec(expected.trim())?.[1];
  const value = name === undefined ? null : lineValue(text, name);
  return value === null ? null : `${name}:${value}`;
}

function shownLine(line: string, hidden: readonly string[]): string {
  return printable(redactText(line, hidden), SHOWN_BYTES);
}

/**
 * What the server says is wrong, in its own words, and the text of its answer, without that to AUTH; neither: it is not
 * whole. A server without a password may refuse AUTH and answer all the same.
 */
function respOf(received: Buffer, probe: TcpExchangeProbe): { problem: string | null; last: string | null } {
  try {
    const replies = repliesOf(received, probe);
    if (replies === null) return { problem: null, last: null };
    const errors = replies.map(({ reply }) => reply).filter(isError);
    const { reply, at } = replies.at(-1)!;
    const problem = isError(reply) ? errors.map(({ error }) => `-${error}`).join('; ') : null;
    return { problem, last: received.toString('utf8', at) };
  } catch (error) {
    if (!(error instanceof RespError)) throw error;
    return { problem: `${error.message}: ${received.toString('latin1', 0, SHOWN_BYTES)}`, last: null };
  }
}

/** A reply to each command, that to AUTH first, and where each begins; null: they are not whole yet. @throws RespError */
function repliesOf(received: Buffer, probe: TcpExchangeProbe): { reply: Reply; at: number }[] | null {
  const replies: { reply: Reply; at: number }[] = [];
  let at = 0;
  for (let left = commandsOf(probe.send) + (probe.auth === null ? 0 : 1); left > 0; left--) {
    const next = decodeReply(received, at);
    if (next === null) return null;
    replies.push({ reply: next.reply, at });
    at = next.end;
  }
  return replies;
}

/** How many commands of Redis a text is, inline ones and arrays. At least one reply is waited for. */
function commandsOf(send: string): number {
  const bytes = Buffer.from(send);
  let count = 0;
  for (let at = 0; at < bytes.length; ) {
    const array = bytes[at] === ARRAY ? decodeReply(bytes, at) : null;
    const lineEnd = bytes.indexOf('\n', at);
    const end = array?.end ?? (lineEnd < 0 ? bytes.length : lineEnd + 1);
    if (array !== null || bytes.toString('latin1', at, end).trim() !== '') count++;
    at = end;
  }
  return Math.max(1, count);
}

const ARRAY = '*'.charCodeAt(0);
