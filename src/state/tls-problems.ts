import type { StateBackend, StateProblem, StateTls } from '../model/state.ts';
import { unverified } from '../model/unverified.ts';

/** From then on an end of a certificate is a problem: whoever renews it may be asleep for a weekend. */
const SOON_MS = 7 * 24 * 3_600_000;
/** Pods named in a problem. */
const MAX_NAMED = 3;

/** What is wrong with the certificates of one backend. @param wallMs now, milliseconds since 1970 */
export function tlsProblems({ name, tls }: StateBackend, wallMs: number): StateProblem[] {
  return tls
    .flatMap((one) => ofTls(one, wallMs))
    .map((problem) => ({
      severity: 'warning',
      backend: name,
      pods: [],
      since: null,
      ...problem,
    }));
}

function ofTls(
  { at, verify, certificate, problem, pods }: StateTls,
  wallMs: number,
): Pick<StateProblem, 'kind' | 'text'>[] {
  const found: Pick<StateProblem, 'kind' | 'text'>[] = [];
  if (problem !== null) found.push({ kind: 'tls_files', text: `${at}: ${problem}` });
  const believed = unverified(verify);
  if (believed !== null) found.push({ kind: 'tls_unverified', text: `${at}: ${believed}` });
  const ends = (validUntil: string | null): validUntil is string =>
    validUntil !== null && Date.parse(validUntil) < wallMs + SOON_MS;
  if (certificate !== null && ends(certificate.validUntil))
    found.push({
      kind: 'certificate_ends',
      text: `${at}: the certificate ${certificate.file} is valid until ${certificate.validUntil}`,
    });
  const ending = pods.filter(({ validUntil }) => ends(validUntil));
  if (ending.length > 0) {
    const names = ending.slice(0, MAX_NAMED).map(({ pod, validUntil }) => `${pod} until ${validUntil}`);
    const more = ending.length > MAX_NAMED ? ` and ${ending.length - MAX_NAMED} more` : '';
    found.push({
      kind: 'certificate_ends',
      text: `${at}: certificates of Pods are valid for less than 7 days: ${names.join(', ')}${more}`,
    });
  }
  return found;
}
