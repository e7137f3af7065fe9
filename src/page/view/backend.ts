import type { VNode } from 'preact';
import { lengthInWords } from '../../model/length.ts';
import type { State, StateBackend } from '../../model/state.ts';
import { Changes } from './changes.ts';
import { backendLink, type Focus } from './focus.ts';
import { html } from './html.ts';
import { PodDetail, Pods } from './pods.ts';
import { Age, counted } from './words.ts';

/** With more backends than this, those without a problem are folded. */
const MAX_OPEN = 6;

export interface BackendsProps {
  readonly state: State;
  readonly focus: Focus;
  /** Draws the line of time into a card; null: where no scripts run. */
  readonly Timeline: ((props: { backend: StateBackend; at: string }) => VNode) | null;
}

/** A card for each backend; those with problems first. */
export function Backends({ state, focus, Timeline }: BackendsProps): VNode {
  const troubled = new Map<string, string>();
  for (const { backend, severity } of state.problems)
    if (backend !== null && troubled.get(backend) !== 'error') troubled.set(backend, severity);
  const shown =
    focus.backend === null ? state.backends : state.backends.filter(({ name }) => name === focus.backend);
  const rank = ({ name }: StateBackend): number => {
    const severity = troubled.get(name);
    return severity === 'error' ? 0 : severity === 'warning' ? 1 : 2;
  };
  const sorted = [...shown].sort((a, b) => rank(a) - rank(b));
  return html`<div class="cards">
    ${focus.backend === null ? null : html`<p class="back"><a href="/">← all backends</a></p>`}
    ${sorted.length === 0 ? html`<p class="none">There is no backend of the name ${focus.backend}.</p>` : null}
    ${sorted.map(
      (backend) => html`<${Card}
        key=${backend.name}
        backend=${backend}
        at=${state.at}
        severity=${troubled.get(backend.name) ?? 'good'}
        isOpen=${shown.length <= MAX_OPEN || troubled.has(backend.name)}
        pod=${focus.pod}
        Timeline=${Timeline}
      />`,
    )}
  </div>`;
}

interface CardProps {
  readonly backend: StateBackend;
  readonly at: string;
  readonly severity: string;
  readonly isOpen: boolean;
  readonly pod: string | null;
  readonly Timeline: BackendsProps['Timeline'];
}

function Card({ backend, at, severity, isOpen, pod, Timeline }: CardProps): VNode {
  const { name, service } = backend;
  const found = pod === null ? undefined : backend.pods.find((each) => each.name === pod);
  return html`<details class=${`card ${severity}`} open=${isOpen}>
    <summary><h2>${name}</h2> <${Facts} backend=${backend} /></summary>
    <p class="service"><a href=${backendLink(name)}>${service || 'fixed Pods'}</a></p>
    ${pod !== null && found === undefined ? html`<p class="none">There is no Pod of the name ${pod}: it may have left.</p>` : null}
    ${found === undefined ? null : html`<${PodDetail} pod=${found} />`}
    <${Leadership} backend=${backend} />
    ${Timeline === null ? null : html`<${Timeline} backend=${backend} at=${at} />`}
    <${Changes} changes=${backend.changes} local=${Timeline !== null} />
    <${Pods} backend=${backend} focused=${pod} />
    <${Discovery} backend=${backend} />
    ${backend.tls.map((tls) => html`<${Tls} tls=${tls} />`)}
  </details>`;
}

function Facts({ backend }: { backend: StateBackend }): VNode {
  const { pods, leadership, held } = backend;
  const ready = pods.filter(({ state }) => state === 'ready').length;
  const few = ready === 0 ? 'error' : ready < pods.length ? 'warning' : 'good';
  return html`<span class="facts">
    ${leadership.state === 'unconfigured' ? null : html`<${Leader} leadership=${leadership} />`}
    <span class=${`fact ${few}`}>${ready.toLocaleString('en-US')} of ${counted(pods.length, 'Pod')} ready</span>
    ${held.now === 0 ? null : html`<span class="fact warning">${held.now.toLocaleString('en-US')} waiting, the longest ${lengthInWords(held.longestMs)}</span>`}
  </span>`;
}

function Leader({ leadership }: { leadership: StateBackend['leadership'] }): VNode {
  const { state, leader, term } = leadership;
  if (state === 'none') return html`<span class="fact error">no leader</span>`;
  if (state === 'conflict') return html`<span class="fact error">several claim to lead</span>`;
  return html`<span class="fact good">${leader} leads${term === null ? null : `, term ${term}`}</span>`;
}

function Leadership({ backend }: { backend: StateBackend }): VNode | null {
  const { state, leader, term, claimants, reason, since, highestTerm, sentinels } = backend.leadership;
  if (state === 'unconfigured') return null;
  const { lineage = null } = backend.pods.find(({ leads }) => leads) ?? {};
  return html`<dl class="leadership">
    <dt>Leader</dt><dd>${leader ?? (state === 'none' ? 'none' : 'several claim')}${term === null ? null : `, term ${term}`}${since === null ? null : html`, for <${Age} of=${since} />`}<span class="faint"> ${reason}</span></dd>
    ${state === 'known' || claimants.length === 0 ? null : html`<dt>Claimants</dt><dd>${claimants.join(', ')}</dd>`}
    ${lineage === null ? null : html`<dt>Lineage</dt><dd><code>${lineage.id}</code></dd>`}
    ${highestTerm === null || highestTerm.term === term ? null : html`<dt>Highest term seen</dt><dd>${highestTerm.term}, shown by ${highestTerm.shownBy} <${Age} of=${highestTerm.since} /> ago</dd>`}
    ${sentinels === null ? null : html`<dt>Sentinels</dt><dd>${sentinels}</dd>`}
  </dl>`;
}

function Discovery({ backend }: { backend: StateBackend }): VNode {
  const { question, lastAnswer, lastError } = backend.discovery;
  return html`<p class="discovery">
    <span>DNS</span> <code>${question}</code>
    ${lastAnswer === null ? ' has never been answered' : html` answered <${Age} of=${lastAnswer} /> ago`}
    ${lastError === null ? null : html`, <span class="failed">now fails: ${lastError}</span>`}
  </p>`;
}

function Tls({ tls }: { tls: StateBackend['tls'][number] }): VNode {
  const { at, verify, certificate, ca } = tls;
  return html`<p class="discovery">
    <span>TLS</span> <code>${at}</code> verify ${verify}, CA ${ca ?? "of Node's roots"}${certificate === null ? null : `, own certificate valid until ${certificate.validUntil ?? 'an unknown time'}`}
  </p>`;
}
