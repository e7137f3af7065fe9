import type { VNode } from 'preact';
import type { State, StateProblem } from '../../model/state.ts';
import { backendLink } from './focus.ts';
import { html } from './html.ts';
import { Age, verdict } from './words.ts';

/** What is wrong, worst first, in the order of the state. */
export function Problems({ state }: { state: State }): VNode {
  const { problems } = state;
  return html`<section class="problems" aria-labelledby="problems-title">
    <h2 id="problems-title" class="unseen">Problems</h2>
    ${
      problems.length === 0
        ? html`<p class="problem good">Nothing is known to be wrong.</p>`
        : html`<ul>${problems.map((problem) => html`<${Problem} problem=${problem} />`)}</ul>`
    }
    <p class="unseen" role="status">${verdict(state)}: ${problems.map(({ backend, text }) => `${backend ?? ''} ${text}`).join('; ')}</p>
  </section>`;
}

function Problem({ problem }: { problem: StateProblem }): VNode {
  const { severity, backend, text, since } = problem;
  return html`<li class=${`problem ${severity}`}>
    <span class="severity">${severity === 'error' ? 'Error' : 'Warning'}</span>
    <span class="what">${
      backend === null ? null : html`<a href=${backendLink(backend)}>${backend}</a> `
    }${text}</span>
    ${since === null ? null : html`<span class="lasting">for <${Age} of=${since} /></span>`}
  </li>`;
}
