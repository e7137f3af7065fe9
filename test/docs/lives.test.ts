/** The pictures of a request's and a change's life name what there is, and no more than a stranger can follow. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const source = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(join('src', file), 'utf8'))
  .join('\n');
const PEOPLE = ['client', 'Pod', 'file'];

describe.each(['docs/life-of-a-request.md', 'docs/life-of-a-change.md'])('%s', (doc) => {
  const text = readFileSync(doc, 'utf8');
  const pictures = [...text.matchAll(/```mermaid\n([\s\S]*?)```/g)].map(([, picture]) => picture!);

  it('has a picture, with ten participants at most, each of them used and in the source', () => {
    expect(pictures.length).toBeGreaterThan(0);
    for (const picture of pictures) {
      const named = [...picture.matchAll(/^ {2}participant (\w) as (\w+)$/gm)];
      expect(named.length).toBeLessThanOrEqual(10);
      for (const [, letter, name] of named) {
        expect(picture).toMatch(new RegExp(`\\b${letter}--?>>|>>${letter}:`));
        if (!PEOPLE.includes(name!))
          expect(source).toMatch(new RegExp(`^(export )?(class|function) ${name}\\b`, 'm'));
      }
    }
  });

  it('names files that are there', () => {
    const files = [...text.matchAll(/`([a-z0-9-]+\/[a-z0-9/-]*(?:\.ts)?)`/g)].map(([, file]) => file!);
    expect(files.length).toBeGreaterThan(0);
    const places = ['.', 'src', 'src/control', 'src/control/config'];
    expect(files.filter((file) => !places.some((place) => existsSync(join(place, file))))).toEqual([]);
  });
});
