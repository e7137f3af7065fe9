import { render } from 'preact';
import { explainInWords } from '../../cli/explain-text.ts';
import type { Explanation } from '../../model/explanation.ts';
import type { Explained } from '../view/explain.ts';
import { explainQuery, focusOf, type Question, questionOf } from '../view/focus.ts';
import { html } from '../view/html.ts';
import { Page } from '../view/page.ts';
import { verdict } from '../view/words.ts';
import { type Followed, followState } from './follow.ts';
import { Timeline } from './timeline.ts';

const root = document.getElementById('page')!;
const paths = JSON.parse(document.getElementById('paths')!.textContent!);
const focus = focusOf(location.search);
let followed: Followed = { state: null, gone: null };
let question: Question | null = questionOf(location.search);
let explained: Explained | null = null;
let isScrolled = false;

/** What the server has drawn stays until the first state is there. */
function draw(): void {
  const { state, gone } = followed;
  if (state === null) return;
  document.title = `headroute: ${gone === null ? verdict(state) : 'gone'}`;
  const explain = { question, explained, onAsk: ask };
  render(
    html`<${Page} state=${state} focus=${focus} explain=${explain} paths=${paths} gone=${gone} Timeline=${Timeline} />`,
    root,
  );
  if (isScrolled || focus.backend === null) return;
  isScrolled = true;
  document.querySelector(focus.pod === null ? '.card' : '.detail')?.scrollIntoView({ block: 'nearest' });
}

function ask(event: Event): void {
  event.preventDefault();
  const form = new FormData(event.target as HTMLFormElement);
  const text = (name: string): string => String(form.get(name) ?? '').trim();
  void explain({ method: text('method') || 'GET', url: text('url'), headers: text('header') });
}

async function explain(asked: Question): Promise<void> {
  question = asked;
  history.replaceState(null, '', `?${withQuestion(asked)}`);
  try {
    const response = await fetch(`/explain?${explainQuery(asked)}`);
    const answer = await response.json();
    explained = response.ok
      ? { words: explainInWords(answer as Explanation) }
      : { problem: String(answer.detail ?? response.status) };
  } catch {
    explained = { problem: 'the sidecar does not answer' };
  }
  draw();
}

/** So that the link can be passed on. */
function withQuestion({ method, url, headers }: Question): string {
  const parameters = new URLSearchParams(location.search);
  parameters.set('method', method);
  parameters.set('url', url);
  parameters.delete('header');
  if (headers !== '') parameters.set('header', headers);
  return parameters.toString();
}

document.documentElement.classList.add('scripted');
followState((next) => {
  followed = next;
  draw();
});
if (question !== null) void explain(question);
