/** Turns one JSON log line into one that people read: `12:30:01.250 WARN  message  key=value`. */
export function readableLine(line: string): string {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return line;
  }
  const { level, time, msg, err, ...fields } = entry as Record<string, unknown>;
  const clock = typeof time === 'string' ? time.slice(11, 23) : '';
  const words = Object.entries(fields).map(([name, value]) => ` ${name}=${valueText(value)}`);
  const head = `${clock} ${String(level).toUpperCase().padEnd(5)} ${harmless(String(msg ?? ''))}`;
  return `${head}${words.length > 0 ? ' ' : ''}${words.join('')}\n${errorText(err)}`;
}

function valueText(value: unknown): string {
  if (typeof value === 'string' && /^[\w./:@%+,-]+$/.test(value)) return value;
  return harmless(JSON.stringify(value));
}

/** Whatever a client sent must not move the cursor or forge a line. */
function harmless(text: string): string {
  return text.replace(
    /[\x00-\x1f\x7f-\x9f\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function errorText(err: unknown): string {
  if (typeof err !== 'object' || err === null) return '';
  const { stack, message } = err as { stack?: unknown; message?: unknown };
  return String(stack ?? message ?? '')
    .split('\n')
    .map((line) => `    ${harmless(line)}\n`)
    .join('');
}
