import { isIPv4, isIPv6 } from 'node:net';
import type { Member } from '../contract.ts';

/** What a name says of a Pod. */
export interface Identity {
  readonly name: string;
  readonly named: boolean;
  readonly dnsName: string;
  readonly ordinal: number;
}

/** Who asks: names are judged relative to it. */
export interface IdentityScope {
  /** The Service's name, and the name it is an alias of, if any. */
  readonly services: readonly string[];
  /** Where the StatefulSet is known, only its Pods have ordinals. */
  readonly statefulSet: string | null;
}

/** Reads a Pod's identity from its DNS name (an SRV target, a PTR). */
export function identityOf(dnsName: string, addresses: readonly string[], scope: IdentityScope): Identity {
  const dot = dnsName.indexOf('.');
  const label = dot === -1 ? dnsName : dnsName.slice(0, dot);
  const own = dot !== -1 && scope.services.includes(dnsName.slice(dot + 1));
  // A name made of the address (CoreDNS without endpoint_pod_names) is no name: it changes with the Pod (D23).
  if (isDashedAddress(label)) return { name: addresses[0]!, named: false, dnsName, ordinal: -1 };
  return { name: own ? label : dnsName, named: true, dnsName, ordinal: ordinalOf(label, scope.statefulSet) };
}

export function anonymous(address: string): Identity {
  return { name: address, named: false, dnsName: address, ordinal: -1 };
}

/** n of `<name>-<n>`, without leading zeros; -1 for anything else, such as `10-0-0-5` (case D23). */
export function ordinalOf(label: string, statefulSet: string | null): number {
  const match = /^(.*[a-z0-9])-(0|[1-9][0-9]{0,9})$/.exec(label);
  if (match === null || endsInDashedIpv4(label)) return -1;
  if (statefulSet !== null && match[1] !== statefulSet.toLowerCase()) return -1;
  const ordinal = Number(match[2]);
  return ordinal <= 0x7fffffff ? ordinal : -1;
}

/** `10-0-0-5` or `5678-abcd--1`: an address with dashes (CoreDNS plugin/kubernetes endpointHostname). */
export function isDashedAddress(label: string): boolean {
  if (!/^[0-9a-f-]+$/.test(label)) return false;
  return isIPv4(label.replaceAll('-', '.')) || isIPv6(label.replaceAll('-', ':'));
}

/** `ip-10-0-0-5`, the name of a cloud's machine, is no ordinal either. */
function endsInDashedIpv4(label: string): boolean {
  return /(^|-)\d+-\d+-\d+-\d+$/.test(label) && isIPv4(label.split('-').slice(-4).join('.'));
}

/** Of a Pod's several names the one under the backend's own Service; else the first in order of the alphabet. */
export function choosePtr(names: readonly string[], services: readonly string[]): string | null {
  const sorted = [...new Set(names)].filter((name) => name !== '').sort();
  const own = sorted.filter((name) => isUnder(name, services));
  // A hostname is worth more than a name made of the address, should a Pod have both.
  return own.find((name) => !isDashedAddress(name.split('.')[0]!)) ?? own[0] ?? sorted[0] ?? null;
}

export function isUnder(name: string, services: readonly string[]): boolean {
  return services.some((service) => name.endsWith(`.${service}`));
}

/** A member whose addresses are in a stable order, IPv4 first, so that a shuffled answer is no change (case D01). */
export function member(identity: Identity, addresses: readonly string[], port: number): Member {
  const ordered = addresses.length === 1 ? addresses : [...new Set(addresses)].sort(compareAddresses);
  const name = identity.named ? identity.name : ordered[0]!;
  return { ...identity, name, key: `${identity.dnsName}|${port}`, addresses: ordered, port };
}

function compareAddresses(a: string, b: string): number {
  const family = Number(isIPv6(a)) - Number(isIPv6(b));
  return family !== 0 ? family : a < b ? -1 : a > b ? 1 : 0;
}

/** Addresses that no Pod has: connecting to 0.0.0.0 would reach this very host. */
export function isUsableAddress(address: string): boolean {
  if (address.includes(':')) return address !== '::' && !address.startsWith('ff');
  const first = Number(address.split('.', 1)[0]);
  return first > 0 && first < 224;
}
