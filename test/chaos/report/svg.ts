/** Pieces of a picture; times become places by `scale`. */
export class Svg {
  readonly #parts: string[] = [];

  rect(x: number, y: number, width: number, height: number, fill: string, title = ''): void {
    const inside = title === '' ? '' : `<title>${escapeText(title)}</title>`;
    this.#parts.push(
      `<rect x="${round(x)}" y="${round(y)}" width="${round(Math.max(0.5, width))}" height="${height}" fill="${fill}">${inside}</rect>`,
    );
  }

  line(x1: number, y1: number, x2: number, y2: number, stroke: string, dashed = false): void {
    this.#parts.push(
      `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${stroke}"${dashed ? ' stroke-dasharray="3 3"' : ''}/>`,
    );
  }

  text(x: number, y: number, text: string, fill = '#222', size = 11, turned = false): void {
    const turn = turned ? ` transform="rotate(-40 ${round(x)} ${round(y)})"` : '';
    this.#parts.push(
      `<text x="${round(x)}" y="${round(y)}" fill="${fill}" font-size="${size}"${turn}>${escapeText(text)}</text>`,
    );
  }

  toString(width: number, height: number): string {
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif">`,
      `<rect width="${width}" height="${height}" fill="#fff"/>`,
      ...this.#parts,
      '</svg>\n',
    ].join('\n');
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
