import { Fragment } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { explainInWords } from '../cli/explain-text.ts';
import type { Explanation } from '../model/explanation.ts';
import type { State } from '../model/state.ts';
import { pageScript, pageStyle } from './assets.ts';
import type { Explained } from './view/explain.ts';
import { explainQuery, focusOf, questionOf } from './view/focus.ts';
import { html } from './view/html.ts';
import { Page } from './view/page.ts';
import { FoldedNames, foldedNames, type Listed } from './view/pods.ts';
import { severityOf, verdict } from './view/words.ts';

export { pageScript, pageStyle };

export interface PageInput {
  readonly state: State;
  /** Of the page's own URL, without the `?`. */
  readonly query: string;
  /** The other paths of the debug port. */
  readonly paths: readonly { method: string; path: string; summary: string }[];
  /** As `GET /explain`. @throws Error that says what is wrong with the request */
  explain(query: string): object;
}

/** Pods drawn at a time: some tenths of a millisecond. */
const SLICE = 100;
/** Stands where folded Pods are drawn later; no text of a state has it. */
const LATER = '\u0001';

/** The page as it is without scripts: all of it, as of now. In parts, so that 1,000 Pods keep nobody waiting. */
export function* renderPage({ state, query, paths, explain }: PageInput): Generator<string, void> {
  const icon = ICONS[severityOf(state)];
  yield `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>headroute: ${verdict(state)}</title>
<link rel="icon" href="${icon}"><link rel="stylesheet" href="/page.css"><script src="/page.js" defer></script></head>
<body><div id="page">`;
  const question = questionOf(query);
  const explained = question === null ? null : answer(() => explain(explainQuery(question)));
  const later: Listed[] = [];
  const [first = '', ...others] = renderToString(html`<${FoldedNames.Provider} value=${(listed: Listed) => {
    later.push(listed);
    return LATER;
  }}><${Page}
    state=${state}
    focus=${focusOf(query)}
    explain=${{ question, explained, onAsk: null }}
    paths=${paths}
    gone=${null}
    Timeline=${null}
  /></>`).split(LATER);
  yield first;
  for (const [i, part] of others.entries()) {
    yield* namesOf(later[i]!);
    yield part;
  }
  yield `</div><script type="application/json" id="paths">${JSON.stringify(paths).replaceAll('<', '\\u003c')}</script></body></html>\n`;
}

function* namesOf({ backend, pods }: Listed): Generator<string, void> {
  for (let i = 0; i < pods.length; i += SLICE)
    yield renderToString(html`<${Fragment}>${foldedNames({ backend, pods: pods.slice(i, i + SLICE) })}</>`);
}

function answer(ask: () => object): Explained {
  try {
    return { words: explainInWords(ask() as Explanation) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

const ICONS = { error: icon('c62828'), warning: icon('b26a00'), good: icon('2e7d32') };

function icon(colour: string): string {
  const circle = `%3Ccircle cx='8' cy='8' r='7' fill='%23${colour}'/%3E`;
  return `data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E${circle}%3C/svg%3E`;
}
