import type { FanOutSelection } from '../../model/config.ts';
import { type AnswerHead, isDeclaredJson, isEncoded, isSuccessStatus, valuesOf } from './answer.ts';
import { type BlockSource, Blocks } from './blocks.ts';
import { ArrayCheck, type Digest, DigestCheck, EmbeddedCheck } from './body-checks.ts';
import { type BodyCheck, type Finding, WHOLE } from './finding.ts';
import { LinesCheck } from './lines-check.ts';

/** Bytes that are looked at in one step: a fraction of a millisecond, even of code that was never run before. */
const STEP_BYTES = 16 * 1024;

/** What the bodies of one fan-out are for. */
export interface BodyPurpose {
  readonly selection: FanOutSelection;
  /** The request was HEAD: there are no bodies. */
  readonly bodiless: boolean;
  /** 304 is a success. */
  readonly conditional: boolean;
  newDigest(): Digest;
}

/**
 * One answer's body while it comes: kept, where the selection needs it, and looked at in steps, so that whoever calls can let the
 * event loop turn in between.
 */
export class AnswerBody {
  readonly blocks: Blocks;
  readonly #keeps: boolean;
  readonly #check: BodyCheck | null;
  readonly #finding: Finding;
  /** What was looked at: blocks, and bytes of the present one; bytes in all. */
  #block = 0;
  #at = 0;
  #seen = 0;

  /** @param expected how many bytes will come, where that is known, else 0 */
  constructor(purpose: BodyPurpose, head: AnswerHead, source: BlockSource, expected: number) {
    this.blocks = new Blocks(source, expected);
    this.#finding = foregone(purpose, head);
    this.#keeps = !purpose.bodiless && this.#finding.type !== 'unusable' && isNeeded(purpose, head);
    this.#check = this.#keeps && this.#finding === WHOLE ? checkFor(purpose, head, this.blocks) : null;
  }

  /** @returns whether there was room for it */
  push(bytes: Buffer): boolean {
    return !this.#keeps || this.blocks.append(bytes);
  }

  /** Whether `step` has something to do. */
  get isBehind(): boolean {
    return this.#check !== null && this.#seen < this.blocks.length;
  }

  /** Looks at some of what came. */
  step(): void {
    if (!this.isBehind) return;
    let block = this.blocks.list[this.#block]!;
    if (this.#at === block.length) {
      block = this.blocks.list[++this.#block]!;
      this.#at = 0;
    }
    const size = Math.min(STEP_BYTES, block.length - this.#at, this.blocks.length - this.#seen);
    this.#check!.push(block, this.#at, this.#at + size);
    this.#at += size;
    this.#seen += size;
  }

  /** All has come and been looked at. */
  finish(): Finding {
    const finding = this.#check?.finish() ?? this.#finding;
    if (finding.type === 'unusable') this.blocks.free();
    return finding;
  }
}

/** What the head alone says; `WHOLE`: nothing. */
function foregone({ selection, bodiless }: BodyPurpose, head: AnswerHead): Finding {
  if (bodiless || !isEncoded(head)) return WHOLE;
  if (selection.respond === 'All') return { type: 'binary' };
  if (selection.respond !== 'Merge') return WHOLE;
  return { type: 'unusable', reason: `its body is in ${valuesOf(head, 'content-encoding').join(', ')}` };
}

/** `All` shows what failed, too; of others nobody needs the body. */
function isNeeded({ selection, conditional }: BodyPurpose, head: AnswerHead): boolean {
  return selection.respond === 'All' || isSuccessStatus(head.status, conditional);
}

function checkFor({ selection, newDigest }: BodyPurpose, head: AnswerHead, blocks: Blocks): BodyCheck | null {
  const { respond, merge } = selection;
  if (respond === 'First') return null;
  if (respond === 'Quorum') return new DigestCheck(newDigest());
  if (respond === 'All' || merge === null) return new EmbeddedCheck(isDeclaredJson(head));
  return merge.type === 'JSONLines' ? new LinesCheck(blocks) : new ArrayCheck(merge.pointer);
}
