import { isIP } from 'node:net';
import type { BackendPart, Parts } from '../grammar/read-document.ts';
import type { Report } from '../grammar/read-fields.ts';

/** A backend has the Pods of a Service, or those of its own list, not both. */
export function checkDiscovery({ backends }: Parts, report: Report): void {
  for (const backend of backends) {
    if (backend.hasStatic) checkStatic(backend, report);
    else
      for (const key of ['service', 'port'])
        if (!backend.given.has(key)) report([...backend.path, key], 'is missing');
  }
}

function checkStatic({ path, given, fields }: BackendPart, report: Report): void {
  const advice = 'does not go with discovery.static, which names the Pods itself: remove one of the two';
  for (const key of ['service', 'port']) if (given.has(key)) report([...path, key], advice, true);
  if ((fields.discovery?.statefulSet ?? null) !== null)
    report([...path, 'discovery', 'statefulSet'], advice, true);
  if (fields.leader?.source.type !== 'DNS') return;
  const hosts = (fields.discovery?.static ?? []).map(({ address }) => address.host);
  const shared = hosts.find((host, index) => isIP(host) !== 0 && hosts.indexOf(host) !== index);
  if (shared === undefined) return;
  report(
    [...path, 'leader'],
    `dns tells Pods apart by their IP addresses, but several of discovery.static have ${shared}: ask them with probe or a preset`,
  );
}
