import { type FanOutAnswer, type FanOutResponse, isSuccess } from './answer.ts';
import { Base64Part, type BodyPart, OwnPart, SlicePart, TextPart } from './body-parts.ts';

/**
 * Bodies are put together from slices of what Pods sent: parsing and writing again would round large numbers (RFC 8259
 * section 6) and lose repeated members.
 */

/** `respond: All`: every Pod's answer in one JSON document. */
export function embedded(answers: readonly FanOutAnswer[]): BodyPart[] {
  const parts: BodyPart[] = [];
  let before = '{"responses":[';
  let succeeded = 0;
  for (const answer of answers) {
    if (isSuccess(answer)) succeeded++;
    if (!('status' in answer)) continue;
    before += `{"pod":${JSON.stringify(answer.pod)},"status":${answer.status},`;
    const { body, finding } = answer;
    switch (finding.type) {
      case 'json':
        parts.push(new OwnPart(`${before}"body":`), new SlicePart(body, finding.start, finding.end, true));
        before = '},';
        break;
      case 'text':
        parts.push(new OwnPart(`${before}"body":"`), new TextPart(body, finding.escapeCost));
        before = '"},';
        break;
      default:
        parts.push(new OwnPart(`${before}"bodyBase64":"`), new Base64Part(body));
        before = '"},';
    }
  }
  const end = parts.length === 0 ? before : before.slice(0, -1);
  parts.push(new OwnPart(`${end}],"succeeded":${succeeded},"failed":${answers.length - succeeded}}`));
  return parts;
}

/**
 * `merge: ConcatArrays`: the first Pod's document with the elements of every Pod's array in place of its own; its other members
 * are the first Pod's.
 */
export function concatenated(used: readonly FanOutResponse[]): BodyPart[] {
  const [first] = used;
  // Only with `minSuccess: 0` can nothing be merged.
  if (first === undefined || first.finding.type !== 'array') return [new OwnPart('[]')];
  const { text, array } = first.finding;
  const parts: BodyPart[] = [new SlicePart(first.body, text.start, array.start, false), new OwnPart('[')];
  let isFirst = true;
  for (const { body, finding } of used) {
    if (finding.type !== 'array') continue;
    const { inner } = finding;
    if (inner.start >= 0) {
      if (!isFirst) parts.push(new OwnPart(','));
      isFirst = false;
    }
    // The first Pod's document is still needed for what comes behind the array.
    const isLast = body !== first.body;
    parts.push(new SlicePart(body, inner.start, inner.end, isLast));
  }
  parts.push(new OwnPart(']'), new SlicePart(first.body, array.end, text.end, true));
  return parts;
}

/** `merge: JSONLines`: the lines one after the other, each with one end of line. */
export function joinedLines(used: readonly FanOutResponse[]): BodyPart[] {
  const parts: BodyPart[] = [];
  for (const { body, finding } of used) {
    parts.push(new SlicePart(body, 0, body.length, true));
    if (finding.type === 'lines' && finding.isOpen) parts.push(new OwnPart('\n'));
  }
  return parts;
}
