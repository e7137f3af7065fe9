const KNOWN = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The trace id of a `traceparent` (W3C Trace Context, section 3.2), 32 hexadecimal digits; null: it is of no known form. Version 00 has
 * exactly four parts.
 */
export function traceIdOf(value: string): string | null {
  const isValid =
    KNOWN.test(value) || (!value.startsWith('00-') && KNOWN.test(value.slice(0, 55)) && value[55] === '-');
  return isValid ? value.slice(3, 35) : null;
}
