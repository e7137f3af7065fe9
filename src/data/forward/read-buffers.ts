/** Room for a head and a body of 16 KiB in one read. */
export const SMALL_BUFFER = 20 * 1024;
/** For bodies that fill it, and for larger ones: fewer reads and writes for the same bytes (docs/performance.md). */
const LARGE_BUFFER = 64 * 1024;
const HUGE_BUFFER = 256 * 1024;
/** What a connection has to read into while its own buffer is lent: Node wants some buffer. */
export const LEAST_BUFFER = 4 * 1024;
/** Bytes kept of each size. */
const MAX_SPARE_BYTES = 8 * 1024 * 1024;
/**
 * Up to how many bytes in large buffers another huge one, or a large one, is taken; then small ones do. So a few downloads are
 * fast, and a thousand that stall stay cheap.
 */
const HUGE_UNTIL_BYTES = 16 * 1024 * 1024;
const LARGE_UNTIL_BYTES = 32 * 1024 * 1024;

const spare = new Map<number, Buffer[]>(
  [LEAST_BUFFER, SMALL_BUFFER, LARGE_BUFFER, HUGE_BUFFER].map((size) => [size, []]),
);
let largeBytes = 0;

/** Bytes of the large and huge buffers that are out: with connections, or with clients that have not taken all of them. */
export function largeBytesOut(): number {
  return largeBytes;
}

/** @returns the size of buffer that a body of so many bytes is best read into, as long as there is memory for it */
export function bufferFor(bodyBytes: number): number {
  if (bodyBytes > LARGE_BUFFER) return HUGE_BUFFER;
  return bodyBytes > SMALL_BUFFER ? LARGE_BUFFER : SMALL_BUFFER;
}

/**
 * A buffer to read into, of the wanted size or, when large ones have taken up their share, a smaller one. A spare one first:
 * memory outside of V8's heap is given back only by a collection, which may be far off.
 */
export function takeBuffer(wanted: number): Buffer {
  let size = wanted;
  if (size === HUGE_BUFFER && largeBytes >= HUGE_UNTIL_BYTES) size = LARGE_BUFFER;
  if (size === LARGE_BUFFER && largeBytes >= LARGE_UNTIL_BYTES) size = SMALL_BUFFER;
  if (size > SMALL_BUFFER) largeBytes += size;
  return spare.get(size)?.pop() ?? Buffer.allocUnsafeSlow(size);
}

/** For a buffer that nobody holds a view of any more. */
export function giveBack(buffer: Buffer): void {
  letGo(buffer);
  const list = spare.get(buffer.length);
  if (list !== undefined && list.length * buffer.length < MAX_SPARE_BYTES) list.push(buffer);
}

/** For a buffer of which there may be a view still: it is not taken again. */
export function letGo(buffer: Buffer): void {
  if (buffer.length > SMALL_BUFFER) largeBytes -= buffer.length;
}
