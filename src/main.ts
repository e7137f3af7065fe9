import { parseCommand, UsageError } from './cli/arguments.ts';
import { check } from './cli/check.ts';
import { becameDemoPod, demo } from './cli/demo.ts';
import { explain } from './cli/explain.ts';
import { helpText } from './cli/help.ts';
import { resolveFile } from './cli/resolve-live.ts';
import { run } from './cli/run.ts';
import { schema } from './cli/schema.ts';
import { status } from './cli/status.ts';
import { readStream } from './control/config/input.ts';
import type { TextOrProblem } from './control/config/load.ts';
import { becameParseThread } from './control/config/watching/parse-thread.ts';
import { LineWriter } from './observe/line-writer.ts';
import { stderrDescriptor } from './observe/stderr.ts';
import { version } from './platform/version.ts';

const { env } = process;
const out = (text: string): void => void process.stdout.write(text);
const err = (text: string): void => void process.stderr.write(text);
const readStdin = (): Promise<TextOrProblem> => readStream(process.stdin);

async function main(argv: readonly string[]): Promise<number> {
  const command = parseCommand(argv, env);
  switch (command.name) {
    case 'help':
      out(helpText(command.about));
      return 0;
    case 'version':
      out(`${version}\n`);
      return 0;
    case 'schema':
      return schema((text) => out(`${text}\n`));
    case 'check':
      return check(command.config, { env, readStdin, out: (line) => out(`${line}\n`) });
    case 'explain':
      return explain(command, { env, readStdin, out, err, resolve: resolveFile });
    case 'status':
      return status(command, { env, out, err, terminal });
    case 'run':
      return run(command.config, {
        env,
        readStdin,
        log: new LineWriter(stderrDescriptor()),
        pretty: process.stderr.isTTY === true,
        exit: (status) => process.exit(status),
        onStopSignal: (callback) => takeOver(['SIGTERM', 'SIGINT'], callback),
        onUncaught: (callback) =>
          void process.on('uncaughtException', callback).on('unhandledRejection', callback),
        onReloadSignal: (callback) => takeOver(['SIGHUP'], callback),
      });
    case 'demo':
      return demo(command, { program: process.argv[1]!, out, err, terminal: process.stdout.isTTY === true });
  }
}

function terminal(): { columns: number; rows: number } | null {
  const { isTTY, columns, rows } = process.stdout;
  return isTTY ? { columns, rows } : null;
}

/**
 * Instead of what headroute.ts does with them while the program is being loaded. Its listeners go last: with none left, Node.js
 * would drop a signal that has arrived and not been told yet.
 */
function takeOver(signals: readonly NodeJS.Signals[], callback: () => void): void {
  for (const signal of signals) {
    const before = process.listeners(signal) as (() => void)[];
    process.on(signal, () => callback());
    for (const listener of before) process.off(signal, listener);
  }
}

/** A reader that has seen enough (`headroute schema | head`) is no failure; a full disk is one. */
function watchStreams(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    err(`headroute: cannot write to standard output: ${error.message}\n`);
    process.exit(1);
  });
  process.stderr.on('error', () => {});
}

async function runCommand(): Promise<void> {
  watchStreams();
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    if (error instanceof UsageError) {
      err(`headroute: ${error.message}\n`);
      process.exitCode = 2;
    } else {
      err(`headroute: ${error instanceof Error ? error.stack : String(error)}\n`);
      process.exitCode = 1;
    }
  }
}

if (!becameParseThread() && !becameDemoPod(env)) await runCommand();
