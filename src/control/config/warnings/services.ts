import type { Parts } from '../grammar/read-document.ts';
import type { Report } from '../grammar/read-fields.ts';
import { type Path, quote } from '../problem.ts';

/** Names that only a search list would complete, which headroute does not use: `db` is asked as `db.` and is NXDOMAIN for ever. */
export function warnOfServices({ backends }: Parts, report: Report): void {
  const look = (path: Path, service: string | undefined): void => {
    // Without one the Pods are listed.
    if (service === undefined || service === '' || service.split('.').length >= 3) return;
    report(
      path,
      `${quote(service)} is asked as it stands, without search domains: a Service is ${service.split('.')[0]}.NAMESPACE.svc.cluster.local`,
    );
  };
  for (const { path, fields } of backends) {
    look([...path, 'service'], fields.service);
    const source = fields.leader?.source;
    if (source?.type === 'DNS') look([...path, 'leader', 'dns', 'service'], source.service);
    if (source?.type === 'Sentinel') look([...path, 'leader', 'sentinel', 'service'], source.service);
  }
}
