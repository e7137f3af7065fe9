import type { VNode } from 'preact';
import type { Moment, State } from '../../model/state.ts';
import { Backends, type BackendsProps } from './backend.ts';
import { ExplainBox, type ExplainBoxProps } from './explain.ts';
import type { Focus } from './focus.ts';
import { html } from './html.ts';
import { Problems } from './problems.ts';
import { Configuration, Failures, Listeners, Paths } from './sides.ts';
import { Age, severityOf, timeOfDay, verdict } from './words.ts';

export interface PageProps {
  readonly state: State;
  readonly focus: Focus;
  readonly explain: ExplainBoxProps;
  readonly paths: readonly { method: string; path: string; summary: string }[];
  /** Since when the sidecar does not answer; null: it does. */
  readonly gone: Moment | null;
  readonly Timeline: BackendsProps['Timeline'];
}

/** The whole page, drawn from a state alone. */
export function Page({ state, focus, explain, paths, gone, Timeline }: PageProps): VNode {
  return html`<div class=${gone === null ? 'page' : 'page stale'}>
    <${Head} state=${state} local=${Timeline !== null} />
    ${
      gone === null
        ? null
        : html`<p class="problem error gone" role="alert"><span class="severity">Gone</span> <span class="what">The sidecar does not answer; what you see is of ${timeOfDay(state.at, true)}. Trying again.</span> <span class="lasting">for <${Age} of=${gone} /></span></p>`
    }
    <main>
      <${Problems} state=${state} />
      <${Backends} state=${state} focus=${focus} Timeline=${Timeline} />
      <div class="sides">
        <${ExplainBox} ...${explain} />
        <${Failures} state=${state} />
        <div class="stack">
          <${Configuration} state=${state} />
          <${Listeners} state=${state} />
        </div>
        <${Paths} paths=${paths} />
      </div>
    </main>
  </div>`;
}

function Head({ state, local }: { state: State; local: boolean }): VNode {
  const { version, started, draining, at } = state;
  return html`<header>
    <h1><a href="/">headroute</a></h1>
    <p class=${`verdict ${severityOf(state)}`}>${verdict(state)}</p>
    ${draining ? html`<p class="verdict warning">draining</p>` : null}
    <p class="about">version ${version}, up <${Age} of=${started} />, as of <time datetime=${at}>${timeOfDay(at, local)}${local ? '' : ' UTC'}</time></p>
  </header>`;
}
