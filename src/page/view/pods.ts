import { type ComponentChildren, createContext, type VNode } from 'preact';
import { useContext } from 'preact/hooks';
import type { StateBackend, StatePod, StateProbe } from '../../model/state.ts';
import { podLink } from './focus.ts';
import { html } from './html.ts';
import { Age, counted } from './words.ts';

/** More than these are folded, but for those that matter. */
const MAX_ROWS = 20;
const MAX_MATTERING = 50;

/** A backend's Pods: all in a table, or those that matter and the others folded. */
export function Pods({ backend, focused }: { backend: StateBackend; focused: string | null }): VNode {
  const { pods, name } = backend;
  if (pods.length === 0) return html`<p class="none">No Pod is known.</p>`;
  const shown =
    pods.length <= MAX_ROWS ? pods : pods.filter((pod) => matters(pod, focused)).slice(0, MAX_MATTERING);
  const known = new Set(shown);
  const folded = pods.filter((pod) => !known.has(pod));
  return html`<div>
    ${shown.length === 0 ? null : html`<${Table} backend=${name} pods=${shown} focused=${focused} />`}
    ${folded.length === 0 ? null : html`<${Folded} backend=${name} pods=${folded} />`}
  </div>`;
}

function matters({ name, state, leads, claimsLeadership }: StatePod, focused: string | null): boolean {
  return state !== 'ready' || leads || claimsLeadership || name === focused;
}

/** Pods of a backend, by its name. */
export interface Listed {
  readonly backend: string;
  readonly pods: readonly StatePod[];
}

function Table({ backend, pods, focused }: Listed & { focused: string | null }): VNode {
  return html`<div class="scroll"><table class="pods">
    <thead><tr>
      <th scope="col">Pod</th><th scope="col">State</th><th scope="col">For</th><th scope="col">Role</th>
      <th scope="col" class="why">Why</th>
    </tr></thead>
    <tbody>${pods.map((pod) => html`<${Row} key=${pod.name} backend=${backend} pod=${pod} isFocused=${pod.name === focused} />`)}</tbody>
  </table></div>`;
}

function Row({ backend, pod, isFocused }: { backend: string; pod: StatePod; isFocused: boolean }): VNode {
  const { name, state, since, reason } = pod;
  return html`<tr class=${`${state}${pod.leads ? ' leads' : ''}${isFocused ? ' focused' : ''}`}>
    <th scope="row"><a href=${podLink(backend, name)} aria-current=${isFocused ? 'true' : null}>${name}</a></th>
    <td><span class=${`badge ${state}`}>${state}</span></td>
    <td class="age">${since === null ? '' : html`<${Age} of=${since} />`}</td>
    <td class="role">${roleOf(pod)}</td>
    <td class="why">${reason}</td>
  </tr>`;
}

function roleOf({ leads, claimsLeadership, term }: StatePod): string {
  const role = leads ? 'leader' : claimsLeadership ? 'claims to lead' : '';
  return term === null || role === '' ? role : `${role}, term ${term}`;
}

/** Draws the names of folded Pods; the server, where they may be thousands, draws them later and in parts. */
export const FoldedNames = createContext<(listed: Listed) => ComponentChildren>(foldedNames);

export function foldedNames({ backend, pods }: Listed): VNode[] {
  return pods.map(
    ({ name, state }) => html`<li class=${state}><a href=${podLink(backend, name)}>${name}</a></li>`,
  );
}

function Folded({ backend, pods }: Listed): VNode {
  const names = useContext(FoldedNames);
  const counts = new Map<string, number>();
  for (const { state } of pods) counts.set(state, (counts.get(state) ?? 0) + 1);
  const states = [...counts].map(([state, count]) => `${count.toLocaleString('en-US')} ${state}`).join(', ');
  return html`<details class="folded">
    <summary>${counted(pods.length, 'more Pod')}: ${states}</summary>
    <ul>${names({ backend, pods })}</ul>
  </details>`;
}

/** All that is known of one Pod. */
export function PodDetail({ pod }: { pod: StatePod }): VNode {
  const { name, addresses, port, ordinal, state, reason, since, lineage } = pod;
  return html`<section class="detail" aria-labelledby="pod-title">
    <h3 id="pod-title">${name}</h3>
    <dl>
      <dt>State</dt><dd><span class=${`badge ${state}`}>${state}</span>${since === null ? null : html` for <${Age} of=${since} />`}: ${reason}</dd>
      <dt>Address</dt><dd>${addresses.map((address) => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`)).join(', ')}</dd>
      ${ordinal === null ? null : html`<dt>Ordinal</dt><dd>${ordinal}</dd>`}
      <dt>Health probe</dt><dd><${Probe} probe=${pod.health} /></dd>
      ${pod.leaderProbe === null ? null : html`<dt>Leader probe</dt><dd><${Probe} probe=${pod.leaderProbe} /></dd>`}
      <dt>Leadership</dt><dd>${roleOf(pod) || 'does not claim to lead'}${pod.claimsSince === null ? null : html` for <${Age} of=${pod.claimsSince} />`}</dd>
      ${lineage === null ? null : html`<dt>Lineage</dt><dd><code>${lineage.id}</code>, ${lineage.previous === null ? 'never promoted' : html`follows <code>${lineage.previous}</code>`}</dd>`}
    </dl>
  </section>`;
}

function Probe({ probe }: { probe: StateProbe | null }): VNode {
  if (probe === null) return html`<span class="faint">not asked yet</span>`;
  const { ok, reason, durationMs } = probe;
  return html`<span class=${ok ? 'ok' : 'failed'}>${ok ? 'yes' : 'no'}</span>${`: ${reason} `}<span class="faint">(<${Age} of=${probe} /> ago, took ${durationMs} ms)</span>`;
}
