import type { VNode } from 'preact';
import type { State } from '../../model/state.ts';
import { html } from './html.ts';
import { Age, counted } from './words.ts';

/** headroute's own failures by reason. */
export function Failures({ state }: { state: State }): VNode {
  const { failures } = state;
  return html`<section class="card side" aria-labelledby="failures-title">
    <h2 id="failures-title">headroute's own failures</h2>
    ${
      failures.length === 0
        ? html`<p class="none">None since it started.</p>`
        : html`<div class="scroll"><table>
          <thead><tr><th scope="col">Reason</th><th scope="col" class="number">10 min</th><th scope="col" class="number">All</th><th scope="col">Rules</th></tr></thead>
          <tbody>${failures.map(
            ({
              failure,
              lastTenMinutes,
              total,
              rules,
            }) => html`<tr key=${failure} class=${lastTenMinutes > 0 ? 'recent' : 'old'}>
              <th scope="row"><code>${failure}</code></th><td class="number">${lastTenMinutes.toLocaleString('en-US')}</td>
              <td class="number">${total.toLocaleString('en-US')}</td><td>${rules.map(({ rule }) => rule).join(', ')}</td>
            </tr>`,
          )}</tbody>
        </table></div>`
    }
  </section>`;
}

/** What configuration is in force, and how the last change of it ended. */
export function Configuration({ state }: { state: State }): VNode {
  const { configHash, lastReload, snapshot } = state;
  return html`<section class="card side" aria-labelledby="config-title">
    <h2 id="config-title">Configuration</h2>
    <dl>
      <dt>In force</dt><dd><a href="/config"><code>${configHash}</code></a>, snapshot ${snapshot.toLocaleString('en-US')}</dd>
      <dt>Last change</dt><dd>${
        lastReload === null
          ? 'none since the start'
          : html`${lastReload.ok ? 'took effect' : html`<span class="failed">refused</span>`} <${Age} of=${lastReload} /> ago`
      }</dd>
    </dl>
    ${lastReload === null || lastReload.ok ? null : html`<ul class="refused">${lastReload.problems.map((line) => html`<li><code>${line}</code></li>`)}</ul>`}
  </section>`;
}

/** Where clients come in. */
export function Listeners({ state }: { state: State }): VNode {
  const open = (name: string): number =>
    state.tunnels.filter(({ listener }) => listener === name).reduce((sum, tunnel) => sum + tunnel.open, 0);
  return html`<section class="card side" aria-labelledby="listeners-title">
    <h2 id="listeners-title">Listeners</h2>
    <div class="scroll"><table>
      <thead><tr><th scope="col">Name</th><th scope="col" class="number">Port</th><th scope="col" class="number">Connections</th><th scope="col" class="number">Tunnels</th></tr></thead>
      <tbody>${state.listeners.map(
        ({ name, port, connections, draining }) => html`<tr key=${`${name} ${draining}`}>
          <th scope="row">${name}${draining ? html` <span class="badge draining">draining</span>` : null}</th>
          <td class="number">${port}</td><td class="number">${connections.toLocaleString('en-US')}</td><td class="number">${open(name).toLocaleString('en-US')}</td>
        </tr>`,
      )}</tbody>
    </table></div>
  </section>`;
}

/** The rest of the debug port. */
export function Paths({
  paths,
}: {
  paths: readonly { method: string; path: string; summary: string }[];
}): VNode {
  return html`<details class="card side paths">
    <summary>${counted(paths.length, 'path')} of this port</summary>
    <dl>${paths.map(
      ({ method, path, summary }) =>
        html`<dt>${method === 'GET' && path !== '/explain' ? html`<a href=${path}><code>GET ${path}</code></a>` : html`<code>${method} ${path}</code>`}</dt><dd>${summary}</dd>`,
    )}</dl>
  </details>`;
}
