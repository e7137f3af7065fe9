import type { VNode } from 'preact';
import type { Question } from './focus.ts';
import { html } from './html.ts';

/** What came of a question: words, or what is wrong with it. */
export type Explained = { readonly words: string } | { readonly problem: string };

export interface ExplainBoxProps {
  readonly question: Question | null;
  readonly explained: Explained | null;
  /** Asks without leaving the page; null: the form is sent. */
  readonly onAsk: ((event: Event) => void) | null;
}

/** Asks where a request would go, and why. It goes nowhere by it. What is being typed stays while the page is drawn anew. */
export function ExplainBox({ question, explained, onAsk }: ExplainBoxProps): VNode {
  return html`<section class="card side explain" aria-labelledby="explain-title">
    <h2 id="explain-title">Where would a request go, and why?</h2>
    <form action="/" method="get" onSubmit=${onAsk}>
      <label>Method <input name="method" defaultValue=${question?.method ?? 'GET'} size="8" autocomplete="off" spellcheck="false" /></label>
      <label class="wide">URL or path <input name="url" defaultValue=${question?.url ?? ''} placeholder="/path?query" required autocomplete="off" spellcheck="false" /></label>
      <label class="whole">Headers, one a line <textarea name="header" rows="2" placeholder="Name: value" spellcheck="false">${question?.headers ?? ''}</textarea></label>
      <button type="submit">Explain</button>
    </form>
    <div class="answer" aria-live="polite">
      ${explained === null ? null : 'words' in explained ? html`<pre tabindex="0" aria-label="Explanation">${explained.words}</pre>` : html`<p class="failed">${explained.problem}</p>`}
    </div>
  </section>`;
}
