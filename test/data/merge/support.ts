import type { AnswerHead, FanOutResponse } from '../../../src/data/merge/answer.ts';
import { AnswerBody } from '../../../src/data/merge/answer-body.ts';
import type { BlockSource } from '../../../src/data/merge/blocks.ts';
import type { ComposedBody } from '../../../src/data/merge/composed-body.ts';
import type { FanOutSelection } from '../../../src/model/config.ts';
import { Sha256 } from '../../../src/platform/sha256.ts';

/** Gives all that is asked for, and counts what is out. */
export class Unbounded implements BlockSource {
  bytes = 0;

  take(bytes: number): Buffer {
    this.bytes += bytes;
    return Buffer.alloc(bytes, 0xaa);
  }

  giveBack(block: Buffer): void {
    this.bytes -= block.length;
    block.fill(0xdd);
  }
}

/** What a fan-out keeps of an answer that comes in pieces of so many bytes. */
export function answerOf(
  selection: FanOutSelection,
  answer: AnswerHead & { pod: string; body: Buffer },
  options: { pieceBytes?: number | undefined; source?: BlockSource } = {},
): FanOutResponse {
  const { pod, status, headers, body } = answer;
  const { pieceBytes = body.length || 1, source = new Unbounded() } = options;
  const purpose = { selection, bodiless: false, conditional: false, newDigest: () => new Sha256() };
  const kept = new AnswerBody(
    purpose,
    { status, headers },
    source,
    pieceBytes < body.length ? 0 : body.length,
  );
  for (let at = 0; at < body.length; at += pieceBytes) {
    kept.push(body.subarray(at, at + pieceBytes));
    while (kept.isBehind) kept.step();
  }
  const finding = kept.finish();
  return { pod, status, headers, body: kept.blocks, finding };
}

/** All of it, written out in pieces of that size. What was written out is freed at once. */
export function written(body: ComposedBody, pieceBytes: number): Buffer {
  const pieces: Buffer[] = [];
  while (!body.done) {
    const piece = Buffer.alloc(pieceBytes);
    pieces.push(piece.subarray(0, body.fill(piece, 0)));
    body.freeSpent();
  }
  return Buffer.concat(pieces);
}
