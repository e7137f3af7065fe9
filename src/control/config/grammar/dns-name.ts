import { isIP } from 'node:net';

/** RFC 1035 section 2.3.4: 63 octets a label, 253 characters a name. `_` appears in names of services. */
export function isDnsName(name: string): boolean {
  if (name.length === 0 || name.length > 253) return false;
  return name.split('.').every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label));
}

/**
 * The name of a Service, in lower case and without its final dot.
 * @returns the name, or what is wrong with it, in words
 */
export function parseService(text: string): { name: string } | string {
  const name = text.replace(/\.$/, '').toLowerCase();
  const whole = 'write the full name, for example db.prod.svc.cluster.local';
  if (isIP(text.replace(/^\[(.*)\]$/, '$1')) !== 0) return `is an address, not a DNS name: ${whole}`;
  if (/:\/\//.test(text)) return `is a URL, not a DNS name: ${whole}`;
  if (/:[0-9]+$/.test(text)) return 'must not have a port: that belongs under port';
  return isDnsName(name) ? { name } : `is not a DNS name (labels of letters, digits and -): ${whole}`;
}

/**
 * A hostname of a rule: a DNS name, perhaps with `*.` in front (Gateway API, Hostname).
 * @returns the hostname in lower case, or what is wrong with it, in words
 */
export function parseHostname(text: string): { name: string } | string {
  const name = text.replace(/\.$/, '').toLowerCase();
  if (name === '*') return 'is every host: leave hostnames out instead';
  if (/:[0-9]+$/.test(name)) return 'must not have a port: hostnames match whatever the port is';
  const base = name.startsWith('*.') ? name.slice(2) : name;
  if (base.includes('*')) return 'can have a * only as its whole first label, as in *.example.com';
  return isDnsName(base) ? { name } : 'is not a hostname: write for example db.example.com or *.example.com';
}
