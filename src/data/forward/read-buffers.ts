/** Room for a head and a body of 16 KiB in one read. */
export const SMALL_BUFFER = 20 * 1024;
export const LARGE_BUFFER = 64 * 1024;
/** What a paused connection has to read into: Node wants some buffer. */
export const LEAST_BUFFER = 4 * 1024;
/** Bytes kept of each size. */
const MAX_SPARE_BYTES = 4 * 1024 * 1024;

const spare = new Map<number, Buffer[]>([LEAST_BUFFER, SMALL_BUFFER, LARGE_BUFFER].map((size) => [size, []]));

/** A buffer to read into. A spare one first: memory outside of V8's heap is given back only by a collection, which may be far off. */
export function takeBuffer(size: number): Buffer {
  return spare.get(size)?.pop() ?? Buffer.allocUnsafeSlow(size);
}

/** For a buffer that nobody holds a view of any more. */
export function giveBack(buffer: Buffer): void {
  const list = spare.get(buffer.length);
  if (list !== undefined && list.length * buffer.length < MAX_SPARE_BYTES) list.push(buffer);
}
