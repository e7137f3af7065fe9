import { quote } from '../problem.ts';
import { isReservedKey, NOT_SUPPORTED } from './reserved.ts';
import { nearest } from './suggest.ts';

/** Keys that people bring from Kubernetes, the Gateway API or other proxies, and what to write instead. */
const HINTS: ReadonlyMap<string, string> = new Map([
  ['periodSeconds', 'write period with a duration, for example period: 2s'],
  ['timeoutSeconds', 'write timeout with a duration, for example timeout: 1s'],
  ['initialDelaySeconds', 'a new Pod is probed at once, so there is no initial delay'],
  ['exec', 'a sidecar cannot run commands in other Pods: use httpGet, http, tcpSocket or tcp'],
  ['scheme', 'write tls beside httpGet, or under the backend where the data port speaks it'],
  ['host', 'give a Host under headers instead; the default is the DNS name of the Pod'],
  ['httpHeaders', 'write headers'],
  ['namespace', 'the Service is named by its full DNS name, under service'],
  ['url', 'write service and port'],
  ['addresses', 'Pods are found by DNS: write service and port, or list them under discovery.static'],
  ['rewrite', 'requests are passed on unchanged'],
  ['minReady', 'there is no panic mode: an unready Pod never gets a request'],
]);

/** What is wrong with a key that the mapping does not have. */
export function unknownKeyMessage(key: string, known: readonly string[]): string {
  if (key === 'tls' && known.includes('port') && !known.includes('master'))
    return 'unknown key: tls stands beside httpGet, http, tcp or tcpSocket, or under the backend';
  if (isReservedKey(key)) return NOT_SUPPORTED;
  const hint = HINTS.get(key);
  if (hint !== undefined) return `unknown key: ${hint}`;
  const joined = /^(\w+)(:|\s+)(\S.*)$/.exec(key);
  if (joined !== null && known.includes(joined[1]!)) {
    const missing = joined[2] === ':' ? 'a blank is missing after the colon' : 'a colon is missing';
    return `unknown key: ${missing}: write ${joined[1]}: ${quote(joined[3]!).slice(1, -1)}`;
  }
  const meant = nearest(key, known);
  if (meant !== null) return `unknown key; did you mean ${meant}?`;
  return `unknown key; known here: ${known.join(', ')}`;
}
