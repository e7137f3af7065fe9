/**
 * Whether this process's own name is in `Via` already: the request has come round (RFC 9110 section 7.6.3). Comments do
 * not count; names compare without case.
 * @param via the value of each `Via` line
 */
export function hasLooped(via: readonly string[], ownName: string): boolean {
  const own = ownName.toLowerCase();
  return via.some((line) =>
    withoutComments(line)
      .split(',')
      .some(
        (member) =>
          member
            .trim()
            .split(/[ \t]+/)[1]
            ?.toLowerCase() === own,
      ),
  );
}

/** Comments nest (RFC 9110 section 5.6.5). One that is left open is none: it must not hide what was appended after it. */
function withoutComments(value: string): string {
  let out = '';
  let depth = 0;
  let from = 0;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === 0x28) {
      if (depth === 0) {
        out += value.slice(from, i);
        from = i;
      }
      depth++;
    } else if (depth === 0) continue;
    else if (code === 0x5c) i++;
    else if (code === 0x29 && --depth === 0) from = i + 1;
  }
  return out + value.slice(from);
}
