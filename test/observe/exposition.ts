/** One sample of an exposition. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly help: string;
  readonly type: string;
  readonly samples: Sample[];
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\[\\"n])*)"(,|$)/y;

/** Reads Prometheus text format 0.0.4 strictly: HELP and TYPE before samples, nothing twice, histograms cumulative. */
export function readExposition(text: string): Map<string, Family> {
  if (text !== '' && !text.endsWith('\n')) throw new Error('no newline at the end');
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  let current: [string, Family] | null = null;
  let help: [string, string] | null = null;
  for (const line of text.split('\n').slice(0, -1)) {
    if (line.startsWith('# HELP ')) {
      const [, , name = '', ...words] = line.split(' ');
      help = [name, words.join(' ')];
    } else if (line.startsWith('# TYPE ')) {
      const [, , name = '', type = ''] = line.split(' ');
      if (help?.[0] !== name || families.has(name)) throw new Error(`TYPE of ${name}`);
      current = [name, { help: help[1], type, samples: [] }];
      families.set(...current);
    } else if (line !== '') {
      const sample = readSample(line);
      const base =
        current?.[1].type === 'histogram' ? sample.name.replace(/_(bucket|sum|count)$/, '') : sample.name;
      if (current === null || base !== current[0]) throw new Error(`${line} outside its family`);
      const key = line.slice(0, line.lastIndexOf(' '));
      if (seen.has(key)) throw new Error(`${key} twice`);
      seen.add(key);
      current[1].samples.push(sample);
    }
  }
  for (const [name, family] of families) if (family.type === 'histogram') checkHistogram(name, family);
  return families;
}

function readSample(line: string): Sample {
  const parts = SAMPLE.exec(line);
  if (parts === null) throw new Error(`not a sample: ${line}`);
  const labels: Record<string, string> = {};
  const inner = parts[2] ?? '';
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < inner.length) {
    const label = LABEL.exec(inner);
    if (label === null) throw new Error(`labels of ${line}`);
    labels[label[1]!] = label[2]!.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));
  }
  const value = parts[3] === '+Inf' ? Number.POSITIVE_INFINITY : Number(parts[3]);
  if (Number.isNaN(value) && !/^nan$/i.test(parts[3]!)) throw new Error(`value of ${line}`);
  return { name: parts[1]!, labels, value };
}

function checkHistogram(name: string, { samples }: Family): void {
  let before = 0;
  for (const sample of samples) {
    if (sample.name === `${name}_bucket`) {
      if (sample.value < before) throw new Error(`${name} is not cumulative`);
      before = sample.labels.le === '+Inf' ? 0 : sample.value;
    }
  }
}

/** The value of the one sample with these labels, or undefined. */
export function sampleValue(
  text: string,
  name: string,
  labels: Readonly<Record<string, string>>,
): number | undefined {
  const found = [...readExposition(text).values()]
    .flatMap((family) => family.samples)
    .filter(
      (s) =>
        s.name === name &&
        Object.keys(s.labels).length === Object.keys(labels).length &&
        Object.entries(labels).every(([k, v]) => s.labels[k] === v),
    );
  return found[0]?.value;
}
