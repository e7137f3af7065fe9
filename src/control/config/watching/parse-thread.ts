import {
  isMainThread,
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
  workerData,
} from 'node:worker_threads';
import type { Problem, RuleConfig } from '../../../model/config.ts';
import { bundleUrl } from '../../../platform/bundle.ts';
import { afterTurn } from '../../../platform/turn.ts';
import { version } from '../../../platform/version.ts';
import { type ParseResult, parseConfig } from '../parse.ts';
import type { Environment } from '../text/environment.ts';

/** Below this a parse takes some ten ms (1,000 rules of 250 KB: 200 to 400 ms), and a thread costs more than it saves. */
const MIN_CHARACTERS = 16 * 1024;
/** A message is copied at once: 1,000 rules take 4 to 10 ms, so they come in parts. */
const RULES_A_MESSAGE = 100;

interface Task {
  /** The version of the program that asks. */
  readonly parser: string;
  readonly text: string;
  readonly file: string;
  readonly env: Environment;
  readonly port: MessagePort;
}

/** The answer in parts, of which the last is an end: without it the thread did not get there. */
type Part =
  | ({ readonly type: 'config' } & Omit<Extract<ParseResult, { ok: true }>, 'ok'>)
  | { readonly type: 'rules'; readonly listener: number; readonly rules: readonly RuleConfig[] }
  | { readonly type: 'problems'; readonly problems: Problem[] }
  | { readonly type: 'end' };

/**
 * As `parseConfig`, without holding the event loop up: a large text is parsed by a thread of its own, which ends with it and
 * gives its memory back.
 *
 * @param program the built program, on which the thread is started; null: there is none, parse here
 * @throws where no thread can be had (no bundle file any more, a limit of threads); `parseConfig` still works then
 */
export async function parseAside(
  text: string,
  file: string,
  env: Environment,
  program: URL | null = bundleUrl,
): Promise<ParseResult> {
  if (program === null || text.length < MIN_CHARACTERS) return parseConfig(text, file, env);
  const { port1, port2 } = new MessageChannel();
  try {
    const task: Task = { parser: version, text, file, env: { ...env }, port: port2 };
    const worker = new Worker(program, {
      workerData: task,
      transferList: [port2],
      // What the process was started with, such as --import or NODE_OPTIONS, is not for the parser.
      execArgv: [],
      argv: [],
      env: {},
      name: 'parse',
    });
    worker.unref();
    await ended(worker);
    return await received(port1);
  } finally {
    port1.close();
  }
}

function ended(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => resolve());
  });
}

async function received(port: MessagePort): Promise<ParseResult> {
  let result: ParseResult | null = null;
  for (;;) {
    const part = (receiveMessageOnPort(port) as { message: Part } | undefined)?.message;
    switch (part?.type) {
      case 'config':
        result = {
          ok: true,
          config: part.config,
          hash: part.hash,
          places: part.places,
          warnings: part.warnings,
        };
        break;
      case 'problems':
        result = { ok: false, problems: part.problems };
        break;
      case 'rules':
        if (result?.ok) (result.config.listeners[part.listener]!.rules as RuleConfig[]).push(...part.rules);
        break;
      case 'end':
        return result!;
      case undefined:
        throw new Error('the thread that parses the configuration ended early');
    }
    await afterTurn();
  }
}

/** In a thread that `parseAside` started: does its work. @returns whether this is such a thread */
export function becameParseThread(): boolean {
  const task = workerData as Task | null;
  if (isMainThread || task?.parser === undefined) return false;
  // The file may be another program by now: it was replaced under a running process.
  if (task.parser !== version) throw new Error(`the program is ${version} by now`);
  const send = (part: Part): void => task.port.postMessage(part);
  const result = parseConfig(task.text, task.file, task.env);
  if (result.ok) sendConfig(result, send);
  else send({ type: 'problems', problems: result.problems });
  send({ type: 'end' });
  return true;
}

function sendConfig(
  { config, hash, places, warnings }: Extract<ParseResult, { ok: true }>,
  send: (part: Part) => void,
): void {
  const listeners = config.listeners.map((listener) => ({ ...listener, rules: [] }));
  send({ type: 'config', config: { ...config, listeners }, hash, places, warnings });
  for (const [listener, { rules }] of config.listeners.entries())
    for (let from = 0; from < rules.length; from += RULES_A_MESSAGE)
      send({ type: 'rules', listener, rules: rules.slice(from, from + RULES_A_MESSAGE) });
}
