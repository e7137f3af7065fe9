import type { VNode } from 'preact';
import type { StateChange } from '../../model/state.ts';
import { html } from './html.ts';
import { timeOfDay } from './words.ts';

/** What happened lately, as a table: the line of time for whoever cannot see it. */
export function Changes({
  changes,
  local,
}: {
  changes: readonly StateChange[];
  local: boolean;
}): VNode | null {
  if (changes.length === 0) return null;
  const latestFirst = [...changes].reverse();
  return html`<details class="changes">
    <summary>The last ten minutes as a table</summary>
    <div class="scroll"><table>
      <thead><tr>
        <th scope="col">From${local ? '' : ' (UTC)'}</th><th scope="col">Leader</th><th scope="col">Claims</th>
        <th scope="col" class="number">Ready</th><th scope="col" class="number">Pods</th><th scope="col" class="number">Waiting</th>
      </tr></thead>
      <tbody>${latestFirst.map(
        (change) => html`<tr key=${change.at} class=${change.leadership}>
          <th scope="row"><time datetime=${change.at}>${timeOfDay(change.at, local)}</time></th>
          <td>${leaderOf(change)}</td><td>${change.claimants.join(', ')}</td>
          <td class="number">${change.ready}</td><td class="number">${change.pods}</td><td class="number">${change.held}</td>
        </tr>`,
      )}</tbody>
    </table></div>
  </details>`;
}

/** Who led, or why nobody did, in a word. */
export function leaderOf({ leadership, leader, term }: StateChange): string {
  switch (leadership) {
    case 'known':
      return `${leader}${term === null ? '' : `, term ${term}`}`;
    case 'none':
      return 'no leader';
    case 'conflict':
      return 'conflict';
    case 'unconfigured':
      return '';
  }
}
