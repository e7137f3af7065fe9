/** Help says what the program takes: each command, each option, an example that the program would take. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseCommand } from '../../src/cli/arguments.ts';
import { COMMANDS, type CommandEntry, OPTIONS } from '../../src/cli/commands.ts';
import { helpText } from '../../src/cli/help.ts';

const literal = (text: string): string => text.replace(/[[\]{}()*+?.\\^$|]/g, '\\$&');
const commands: readonly CommandEntry[] = COMMANDS;

it('the overview names every command with its usage, in lines that fit', () => {
  const lines = helpText(null).split('\n');
  for (const { name, usage } of commands) {
    const found = lines.find((line) => line.startsWith(`  headroute ${name} `));
    expect(found).toContain(usage);
  }
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(130);
});

it('README lists the same commands with the same usage', () => {
  const readme = readFileSync('README.md', 'utf8');
  const block = /## Commands\n\n```\n([\s\S]*?)```/.exec(readme)![1]!;
  for (const { name, usage } of commands)
    expect(block.replace(/ +/g, ' ')).toMatch(new RegExp(`^headroute ${name} ?${literal(usage)}`, 'm'));
});

describe.each(commands)('headroute help $name', (command) => {
  const text = helpText(command.name as Parameters<typeof helpText>[0]);

  it('explains every option that the command takes, with its default', () => {
    for (const option of command.options) {
      expect(text).toContain(`--${option}`);
      expect(text).toContain(OPTIONS[option].help);
      const { value } = OPTIONS[option] as { value?: string };
      if (value !== undefined && option !== 'header' && option !== 'debug')
        expect(OPTIONS[option].help).toContain('default');
    }
  });

  it('has an example that the command line takes', () => {
    expect(command.example.length).toBeGreaterThan(0);
    for (const example of command.example) {
      expect(text).toContain(`  ${example}\n`);
      const words = example.replace(/^.*\| /, '').replace(/ >.*$/, '');
      const argv = [...words.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
      expect(argv.shift()).toBe('headroute');
      expect(parseCommand(argv, {}).name).toBe(command.name);
    }
  });
});
