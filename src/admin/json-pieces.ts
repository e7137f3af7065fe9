import type { ServerResponse } from 'node:http';
import { writePieces } from './write-pieces.ts';

/** Entries of a list that are put into text at a time. */
const SLICE = 100;

/** Answers 200 with a value whose lists may be long (1,000 Pods), letting the event loop turn in between. */
export function answerJsonInPieces(response: ServerResponse, value: object): Promise<void> {
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  return writePieces(response, lines(value));
}

function* lines(value: object): Generator<string, void> {
  yield* jsonPieces(value);
  yield '\n';
}

/** The text that JSON.stringify would make, in parts: long lists apart, and what holds some. */
export function* jsonPieces(value: unknown): Generator<string, void> {
  if (!holdsLongList(value)) yield JSON.stringify(value);
  else if (Array.isArray(value)) yield* listPieces(value);
  else {
    let before = '{';
    for (const [key, member] of Object.entries(value as object)) {
      if (member === undefined) continue;
      yield `${before}${JSON.stringify(key)}:`;
      yield* jsonPieces(member);
      before = ',';
    }
    yield before === '{' ? '{}' : '}';
  }
}

function* listPieces(list: readonly unknown[]): Generator<string, void> {
  let before = '[';
  if (list.some(holdsLongList)) {
    for (const entry of list) {
      yield before;
      yield* jsonPieces(entry);
      before = ',';
    }
  } else
    for (let i = 0; i < list.length; i += SLICE) {
      yield `${before}${JSON.stringify(list.slice(i, i + SLICE)).slice(1, -1)}`;
      before = ',';
    }
  yield before === '[' ? '[]' : ']';
}

function holdsLongList(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.length > SLICE || value.some(holdsLongList);
  return Object.values(value).some(holdsLongList);
}
