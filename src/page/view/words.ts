import type { VNode } from 'preact';
import { ageInWords } from '../../model/cause.ts';
import type { Moment, State } from '../../model/state.ts';
import { html } from './html.ts';

/** An age; the moment itself where one points at it. */
export function Age({ of, less = '< 1 s' }: { of: Moment; less?: string }): VNode {
  return html`<time datetime=${of.at} title=${of.at}>${of.ageMs < 1000 ? less : ageInWords(of.ageMs)}</time>`;
}

export function counted(count: number, what: string): string {
  return `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`;
}

/** `1 error, 2 warnings`, or that there are none. */
export function verdict({ problems }: Pick<State, 'problems'>): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const warnings = problems.length - errors;
  const counts = [
    ...(errors > 0 ? [counted(errors, 'error')] : []),
    ...(warnings > 0 ? [counted(warnings, 'warning')] : []),
  ];
  return counts.length === 0 ? 'all is well' : counts.join(', ');
}

/** The worst that there is, as a class. */
export function severityOf({ problems }: Pick<State, 'problems'>): 'error' | 'warning' | 'good' {
  if (problems.some(({ severity }) => severity === 'error')) return 'error';
  return problems.length > 0 ? 'warning' : 'good';
}

/** `13:04:12`, by the clock of whoever reads in the browser, UTC on the server. */
export function timeOfDay(at: string, local: boolean): string {
  return local ? new Date(at).toLocaleTimeString('en-GB') : at.slice(11, 19);
}
