const FACTORS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** A Kubernetes quantity (apimachinery resource.Quantity) as far as it counts bytes; no `m`, no exponent. */
export const QUANTITY_PATTERN = '^[0-9]{1,15}(\\.[0-9]{1,9})?(k|M|G|T|Ki|Mi|Gi|Ti)?$';

const WHOLE = new RegExp(QUANTITY_PATTERN);

/** @returns bytes, or what is wrong with the text, in words */
export function parseQuantity(text: string): number | string {
  if (!WHOLE.test(text)) return `is not a size: write for example ${suggestion(text)}`;
  const [, digits, unit] = /^([0-9.]+)([A-Za-z]*)$/.exec(text)!;
  const bytes = Number(digits) * FACTORS[unit!]!;
  if (!Number.isInteger(bytes)) return 'is not a whole number of bytes';
  return Number.isSafeInteger(bytes) ? bytes : 'is too large';
}

/** The shortest form of a number of bytes in binary units, `64Ki`. */
export function formatQuantity(bytes: number): string {
  const unit = ['Ti', 'Gi', 'Mi', 'Ki'].find((name) => bytes > 0 && bytes % FACTORS[name]! === 0) ?? '';
  return `${bytes / FACTORS[unit]!}${unit}`;
}

function suggestion(text: string): string {
  const match = /^([0-9]{1,15})\s*([kKmMgG])(i?)[bB]?$/.exec(text.trim());
  if (match === null) return '64Ki, 16Mi or 1M';
  const letter = match[2]!.toUpperCase();
  return `${match[1]}${letter}i`;
}
