/** Replies of Redis (RESP2, redis.io "Redis serialization protocol specification"): what is whole, and what it says. */

/** A simple or bulk string or an integer as text, nil, an error's text, or a list. */
export type Reply = string | null | { readonly error: string } | readonly Reply[];

/** What arrived is no RESP. */
export class RespError extends Error {}

const MAX_DEPTH = 8;
const MAX_ITEMS = 100_000;

/**
 * The reply that begins at `at`, and where it ends; null: it is not whole yet.
 * @throws RespError
 */
export function decodeReply(bytes: Buffer, at = 0, depth = 0): { reply: Reply; end: number } | null {
  if (at >= bytes.length) return null;
  if (!TYPES.includes(bytes[at]!)) throw new RespError('the answer is not RESP');
  const lineEnd = bytes.indexOf('\r\n', at);
  if (lineEnd < 0) return null;
  const type = String.fromCharCode(bytes[at]!);
  const line = bytes.toString('utf8', at + 1, lineEnd);
  const end = lineEnd + 2;
  if (type === '+') return { reply: line, end };
  if (type === '-') return { reply: { error: line }, end };
  if (!/^-?\d{1,19}$/.test(line)) throw new RespError('the answer is not RESP');
  if (type === ':') return { reply: line, end };
  const length = Number(line);
  if (length < 0) return { reply: null, end };
  if (type === '$') {
    if (bytes.length < end + length + 2) return null;
    return { reply: bytes.toString('utf8', end, end + length), end: end + length + 2 };
  }
  if (depth === MAX_DEPTH || length > MAX_ITEMS) throw new RespError('the answer is too large');
  return decodeItems(bytes, end, length, depth + 1);
}

function decodeItems(
  bytes: Buffer,
  at: number,
  count: number,
  depth: number,
): { reply: Reply; end: number } | null {
  const items: Reply[] = [];
  let end = at;
  while (items.length < count) {
    const item = decodeReply(bytes, end, depth);
    if (item === null) return null;
    items.push(item.reply);
    end = item.end;
  }
  return { reply: items, end };
}

const TYPES: readonly number[] = [...'+-:$*'].map((type) => type.charCodeAt(0));

/** A command as an array of bulk strings: no byte of an argument can be taken for anything else. */
export function encodeCommand(...words: readonly string[]): Buffer {
  const parts = words.flatMap((word) => [
    Buffer.from(`$${Buffer.byteLength(word)}\r\n`),
    Buffer.from(word),
    CRLF,
  ]);
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts]);
}

/** Name and password as AUTH takes them; without a name it is the default user's password. */
export function encodeAuth({ username, password }: { username: string | null; password: string }): Buffer {
  return username === null ? encodeCommand('AUTH', password) : encodeCommand('AUTH', username, password);
}

const CRLF = Buffer.from('\r\n');

export function isError(reply: Reply): reply is { readonly error: string } {
  return typeof reply === 'object' && reply !== null && 'error' in reply;
}
