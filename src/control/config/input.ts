import type { Readable } from 'node:stream';
import { MAX_BYTES, type TextOrProblem, textOf } from './load.ts';

/** How problems name a configuration that was read from standard input. */
export const STDIN_NAME = '<stdin>';

/** What `--config` says is standard input. */
export function isStdin(config: string): boolean {
  return config === '-';
}

/** The text of a stream to its end, or why there is none, in words. Never rejects. */
export async function readStream(stream: Readable): Promise<TextOrProblem> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size > MAX_BYTES) return { problem: `is larger than ${MAX_BYTES / 1024 / 1024} MiB` };
    }
  } catch (error) {
    return { problem: `cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
  return textOf(Buffer.concat(chunks));
}
