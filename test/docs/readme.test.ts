/** README (issue 10 item 12): its configurations are valid, and the files that the documents point to exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { parseConfig } from '../../src/control/config/parse.ts';

const readme = readFileSync('README.md', 'utf8');
const configurations = [...readme.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1]!);
const documents = ['README.md', 'CONTRIBUTING.md', ...inFolder('docs'), ...inFolder('docs/adr')];

function inFolder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => (name.endsWith('.md') ? [join(folder, name)] : []));
}

it('has a configuration of at most a dozen lines for Patroni, Redis and etcd', () => {
  expect(configurations).toHaveLength(3);
  for (const text of configurations) {
    expect(parseConfig(text, 'README.md', {})).toMatchObject({ ok: true });
    expect(text.trim().split('\n').length).toBeLessThanOrEqual(12);
  }
});

it('docs/first-hour.md has a configuration of Pods on a laptop', () => {
  const [, text] = /```yaml\n([\s\S]*?)```/.exec(readFileSync('docs/first-hour.md', 'utf8'))!;
  expect(parseConfig(text!, 'first-hour.md', {})).toMatchObject({
    ok: true,
    config: { backends: [{ discovery: { static: [{ name: 'redis-0' }, { name: 'redis-1' }] } }] },
  });
});

it.each(documents)('%s points only to files that exist', (document) => {
  const links = [...readFileSync(document, 'utf8').matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)];
  const missing = links
    .map((match) => match[1]!)
    .filter((link) => !existsSync(join(dirname(document), link)));
  expect(missing).toEqual([]);
});

it('names only npm scripts that exist', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  for (const document of documents) {
    for (const [, name] of readFileSync(document, 'utf8').matchAll(/npm run ([a-z][a-z:]*)/g)) {
      expect(Object.keys(scripts)).toContain(name);
    }
  }
});
