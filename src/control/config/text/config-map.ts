import {
  type Document,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  parseAllDocuments,
  Scalar,
  type YAMLMap,
} from 'yaml';

/** A place in a file, from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A configuration that is the value of a ConfigMap's key. */
export interface Embedded {
  /** In words: `headroute.yaml of ConfigMap headroute`. */
  readonly what: string;
  readonly text: string;
  /** Where a place of the text is in the file around it. */
  placeOf(place: Place): Place;
}

export interface ConfigMaps {
  readonly configurations: readonly Embedded[];
  readonly problems: readonly (Place & { readonly path: string; readonly message: string })[];
}

const KIND = /(^|[\s{,"'])kind["']?\s*:\s*["']?(ConfigMap|ConfigMapList|List)\b/;
const OURS = /(^|[\s{,"'])(kind["']?\s*:\s*["']?ProxyConfig|apiVersion["']?\s*:\s*["']?headroute\.dev\/)/m;

/**
 * The configurations in the ConfigMaps of a text, which may be one, a List, or several documents with other things between; null
 * where it holds no ConfigMap and is to be read as it is.
 */
export function configMapsIn(text: string): ConfigMaps | null {
  if (!KIND.test(text)) return null;
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const all = Array.isArray(documents) ? (documents as Document[]) : [];
  const maps = all.flatMap(({ contents }) => mapsIn(contents as Node | null));
  // A text that only mentions the word.
  if (maps.length === 0) return null;
  const reader = new Reader(text, lines);
  const [error] = all.flatMap(({ errors }) => errors);
  if (error !== undefined)
    reader.problem(error.pos[0], '', `cannot be read: ${error.message.split('\n')[0]}`);
  else for (const map of maps) reader.read(map);
  if (reader.configurations.length === 0 && reader.problems.length === 0) reader.nothing(maps[0]!);
  return reader;
}

function mapsIn(node: Node | null): YAMLMap[] {
  if (!isMap(node)) return [];
  const kind = node.get('kind');
  if (kind === 'ConfigMap') return [node];
  if (kind !== 'List' && kind !== 'ConfigMapList') return [];
  const items = node.get('items', true) as { items?: Node[] } | undefined;
  return (items?.items ?? []).flatMap(mapsIn);
}

class Reader implements ConfigMaps {
  readonly configurations: Embedded[] = [];
  readonly problems: (Place & { path: string; message: string })[] = [];
  readonly #text: string;
  readonly #lines: LineCounter;

  constructor(text: string, lines: LineCounter) {
    this.#text = text;
    this.#lines = lines;
  }

  problem(offset: number, path: string, message: string): void {
    this.problems.push({ ...this.#place(offset), path, message });
  }

  read(map: YAMLMap): void {
    const name = map.getIn(['metadata', 'name']);
    const of = `of ConfigMap ${typeof name === 'string' ? name : 'without a name'}`;
    const data = map.get('data', true);
    for (const { key, value } of isMap(data) ? data.items : []) {
      const title = isScalar(key) ? String(key.value) : '';
      if (isScalar(value) && typeof value.value === 'string') {
        if (isOurs(title, value.value))
          this.configurations.push({
            what: `${title} ${of}`,
            text: value.value,
            placeOf: this.#placesOf(value, value.value),
          });
      } else if (looksLikeFile(title))
        this.problem(
          offsetOf(key as Node),
          `data[${JSON.stringify(title)}]`,
          `must be a text: write "${title}: |" and indent the configuration below it`,
        );
    }
    const binary = map.get('binaryData', true);
    for (const { key } of isMap(binary) ? binary.items : []) {
      const title = isScalar(key) ? String(key.value) : '';
      if (looksLikeFile(title))
        this.problem(
          offsetOf(key as Node),
          `binaryData[${JSON.stringify(title)}]`,
          'is not read: a configuration is text, put it under data',
        );
    }
  }

  /** No key of any holds a configuration. */
  nothing(first: YAMLMap): void {
    this.problem(
      offsetOf(first),
      'data',
      'no key of it is a configuration: one begins with apiVersion: headroute.dev/v1alpha1 and kind: ProxyConfig',
    );
  }

  #place(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  /** Line by line in a block that keeps its lines; whatever else folds or escapes them has one place for all. */
  #placesOf(scalar: Scalar, text: string): Embedded['placeOf'] {
    const start = offsetOf(scalar);
    if (scalar.type !== Scalar.BLOCK_LITERAL) return () => this.#place(start);
    const { line: header } = this.#place(start);
    const outer = this.#text.split('\n');
    const inner = text.split('\n');
    return ({ line, column }) => {
      const written = (outer[header + line - 1] ?? '').replace(/\r$/, '');
      const indent = Math.max(0, written.length - (inner[line - 1] ?? '').length);
      return { line: header + line, column: column + indent };
    };
  }
}

function isOurs(key: string, text: string): boolean {
  return key === 'headroute.yaml' || OURS.test(text);
}

function looksLikeFile(key: string): boolean {
  return /\.ya?ml$/.test(key);
}

function offsetOf(node: Node | null): number {
  return node?.range?.[0] ?? 0;
}
