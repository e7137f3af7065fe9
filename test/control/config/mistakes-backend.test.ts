import { describe, expect, it } from 'vitest';
import { LEADER, problemsOf, sample } from './sample.ts';

type Case = [what: string, parts: Parameters<typeof sample>[0], problem: string];

/** Each must give this problem and no other. */
const MISTAKES: Case[] = [
  [
    'another version',
    { document: { apiVersion: 'v1' } },
    'apiVersion: must be headroute.dev/v1alpha1, is the text "v1"',
  ],
  ['another kind', { document: { kind: 'ConfigMap' } }, 'kind: must be ProxyConfig'],
  [
    'no backends',
    {
      document: {
        backends: [],
        listeners: [{ name: 'a', address: ':1', rules: [{ backendRefs: [{ name: 'x' }] }] }],
      },
    },
    'backends: needs at least one entry',
  ],
  [
    'a misspelt key',
    { backend: { conection: {} } },
    'backends[0].conection: unknown key; did you mean connection?',
  ],
  ['a misspelt key of the document', { document: { loging: {} } }, 'loging: unknown key; did you mean log?'],
  [
    'a key from the kubelet',
    { backend: { health: { periodSeconds: 2 } } },
    'backends[0].health.periodSeconds: unknown key: write period',
  ],
  [
    'a key without a certificate',
    { backend: { tls: { key: '/k' } } },
    'backends[0].tls.key: needs cert beside it',
  ],
  [
    'a certificate without a key',
    { backend: { tls: { cert: '/c' } } },
    'backends[0].tls.cert: needs key beside it',
  ],
  [
    'a path of tls that is not whole',
    { backend: { tls: { ca: 'ca.crt' } } },
    'backends[0].tls.ca: "ca.crt" is not a whole path',
  ],
  [
    'a version of TLS as a number',
    { backend: { tls: { minVersion: 1.2 } } },
    'backends[0].tls.minVersion: must be "1.2" or "1.3", is the number 1.2: put it in quotes',
  ],
  [
    'an old version of TLS',
    { backend: { tls: { minVersion: '1.1' } } },
    'must be "1.2" or "1.3", is the text "1.1"',
  ],
  [
    'a serverName that is none',
    { backend: { tls: { serverName: 'a b' } } },
    'tls.serverName: "a b" is neither a DNS name nor an address',
  ],
  [
    'tls: true on a probe',
    { backend: { health: { tls: true } } },
    'backends[0].health.tls: must be false, is true',
  ],
  [
    'tls inside of httpGet',
    { backend: { health: { httpGet: { tls: {} } } } },
    'backends[0].health.httpGet.tls: unknown key: tls stands beside httpGet',
  ],
  ['a bare number as duration', { backend: { health: { period: 2 } } }, 'is the number 2: write 2s or 2ms'],
  [
    'a duration of zero',
    { backend: { health: { timeout: '0s' } } },
    'backends[0].health.timeout: must be longer than 0s',
  ],
  [
    'two probes',
    { backend: { health: { httpGet: {}, tcpSocket: {} } } },
    'backends[0].health: takes one of httpGet and tcpSocket',
  ],
  [
    'expect without HTTP',
    { backend: { health: { expect: { status: 200 } } } },
    'backends[0].health.expect: needs httpGet or http',
  ],
  [
    'expect beside tcp',
    { backend: { health: { tcp: { send: 'x', expect: { contains: 'y' } }, expect: {} } } },
    'under tcp',
  ],
  [
    'a probe path that splits the request',
    { backend: { health: { httpGet: { path: '/a HTTP/1.1\r\nX: y' } } } },
    'backends[0].health.httpGet.path: ',
  ],
  [
    'a probe header that splits the request',
    { backend: { health: { httpGet: { headers: [{ name: 'X', value: 'y\r\nZ: 1' }] } } } },
    'headers[0].value: holds a line break',
  ],
  [
    'a probe header that reframes the request',
    { backend: { health: { httpGet: { headers: [{ name: 'content-length', value: '5' }] } } } },
    'headroute sets content-length itself',
  ],
  ['a port out of range', { backend: { port: 65_536 } }, 'backends[0].port: must be at most 65535, is 65536'],
  ['a port in quotes', { backend: { port: '8080' } }, 'write the number without quotes'],
  [
    'a port name that Kubernetes refuses',
    { backend: { port: 'a-very-long-port-name' } },
    'is not the name of a port',
  ],
  ['an address as service', { backend: { service: '10.0.0.1' } }, 'is an address, not a DNS name'],
  [
    'refresh upside down',
    { backend: { discovery: { refresh: { min: '30s', max: '1s' } } } },
    'backends[0].discovery.refresh: min is longer than max',
  ],
  [
    'a name server by name',
    { backend: { discovery: { nameservers: ['dns.local'] } } },
    'nameservers[0]: "dns.local" must be an IP address',
  ],
  [
    'a leader without a source',
    { backend: { leader: {} } },
    'backends[0].leader: needs probe, dns, ordinal, sentinel or preset',
  ],
  [
    'a leader probe that asks nothing',
    { backend: { leader: { probe: {} } } },
    'backends[0].leader.probe: needs httpGet, http or tcp',
  ],
  [
    'a leader type without its part',
    { backend: { leader: { type: 'DNS' } } },
    'backends[0].leader: needs dns',
  ],
  [
    'a leader type with the part of another',
    { backend: { leader: { type: 'DNS', dns: { service: 'a.b' }, ordinal: 0 } } },
    'backends[0].leader.ordinal: does not go with type DNS',
  ],
  ['an unknown preset', { backend: { leader: { preset: 'etdc' } } }, 'did you mean etcd?'],
  [
    'HighestTerm without terms',
    { backend: { leader: { ...LEADER, onConflict: 'HighestTerm' } } },
    'backends[0].leader.onConflict: HighestTerm needs probe.term',
  ],
  [
    'a learnt status that means success',
    { backend: { leader: { ...LEADER, learn: [{ status: 200 }] } } },
    'learn[0].status: must be a status from 300 to 599',
  ],
  [
    'a json condition without value',
    { backend: { leader: { probe: { httpGet: {}, expect: { json: { pointer: '/a' } } } } } },
    'expect.json: needs equals or equalsPointer',
  ],
  [
    'a pointer that is none',
    { backend: { leader: { probe: { httpGet: {}, expect: { json: { pointer: 'role', equals: 1 } } } } } },
    'is not a JSON pointer',
  ],
  [
    'a number that floats cannot hold',
    { backend: { leader: { probe: { httpGet: {}, expect: { json: { pointer: '/a', equals: 2 ** 60 } } } } } },
    'too large to be compared',
  ],
  [
    'a term without a place',
    { backend: { leader: { probe: { httpGet: {}, term: {} } } } },
    'probe.term: needs either json or header',
  ],
];

describe('a mistake is the only problem, with its path and what to do', () => {
  it.each(MISTAKES)('%s', (_what, parts, problem) => {
    const problems = problemsOf(sample(parts));
    expect(problems).toEqual([expect.stringContaining(problem)]);
  });
});
