import type { BackendConfig } from '../model/config.ts';
import type { Member } from './discovery/contract.ts';
import type { ProbeTarget } from './probe/probe-result.ts';

/** The `pod` label of metrics: never an address (SPEC 5). */
export function podLabel(member: Member): string {
  return member.named ? member.name : '';
}

/** @param backend of which it is a member; null: its TLS is none of the backend's */
export function probeTarget(member: Member, backend: BackendConfig | null): ProbeTarget {
  const { addresses, port, dnsName, named } = member;
  const target = { addresses, port, dnsName };
  return backend === null
    ? target
    : { ...target, tls: backend.tls, tlsName: named ? dnsName : backend.service };
}

/**
 * Whether a `Location` names this member, by name, DNS name, or address and port. A hint: it only orders probes.
 */
export function isNamedBy(hint: string, member: Member): boolean {
  const host = hostOf(hint);
  if (host === null) return false;
  const name = host.name.replace(/\.$/, '').toLowerCase();
  if (name === member.name.toLowerCase()) return true;
  const isItsPort = host.port === null || host.port === member.port;
  if (name === member.dnsName.toLowerCase()) return isItsPort || member.sharesHost === undefined;
  // `db-0.db` and the like are short forms of the DNS name.
  if (name.includes('.') && member.named && member.dnsName.toLowerCase().startsWith(`${name}.`)) return true;
  return member.addresses.includes(name) && isItsPort;
}

function hostOf(hint: string): { name: string; port: number | null } | null {
  const url = parse(hint);
  if (url === null || url.hostname === '') return null;
  return { name: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? null : Number(url.port) };
}

function parse(text: string): URL | null {
  try {
    return new URL(text.startsWith('//') ? `http:${text}` : text);
  } catch {
    return null;
  }
}
