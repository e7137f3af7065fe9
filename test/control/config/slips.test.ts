/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax of the configuration file */
import { describe, expect, it } from 'vitest';
import { placesOf } from './sample.ts';

/** A configuration as people write it, to be spoilt. */
const GOOD = `apiVersion: headroute.dev/v1alpha1
kind: ProxyConfig
backends:
  - name: db
    service: db.prod.svc.cluster.local
    port: http
    health:
      httpGet: { path: /healthz, port: 8081 }
      period: 2s
    leader:
      probe:
        tcp: { send: "ROLE\\r\\n", expect: { contains: "master" } }
  - name: web
    service: web.prod.svc.cluster.local
    port: 80
listeners:
  - name: http
    address: 127.0.0.1:8080
    rules:
      - name: writes
        hostnames: ["*.example.com"]
        matches: [{ method: [POST, PUT], headers: [{ name: X-A, value: b }] }]
        backendRefs: [{ name: db }]
        selection:
          type: Leader
          hold: { timeout: 10s, maxRequests: 1000 }
        timeouts: { request: 30s }
      - name: reads
        backendRefs:
          - { name: db, weight: 90 }
          - { name: web, weight: 10 }
self: { podName: "\${POD_NAME:-}" }
shutdown:
  timeout: 25s
`;

/** What a person meant, what was written instead, and all that is told: line, column, words. */
type Slip = readonly [what: string, meant: string, written: string, told: readonly string[]];

/** Slips of the pen, of which most make a file no YAML. */
const OF_YAML: readonly Slip[] = [
  [
    'one blank too few',
    '    port: http',
    '   port: http',
    ['6:4: this line is indented by 3, its siblings by 4'],
  ],
  [
    'one blank too many',
    '    port: http',
    '     port: http',
    ['6:6: this line is indented by 5, its siblings by 4'],
  ],
  [
    'two blanks too few, deep down',
    '          hold:',
    '        hold:',
    ['26:9: listeners[0].rules[0].hold: unknown key: it belongs to selection.hold'],
  ],
  [
    'one blank too few before a block',
    '    health:',
    '   health:',
    ['7:4: this line is indented by 3, its siblings by 4'],
  ],
  [
    'one blank too many before the first of a block',
    '      httpGet:',
    '       httpGet:',
    ['8:8: this line is indented by 7, its siblings by 6'],
  ],
  [
    'one blank too many behind a dash',
    '  - name: db',
    '  -  name: db',
    ['4:6: name is indented by 5, its siblings by 4'],
  ],
  [
    'one blank too few before a dash',
    '  - name: web',
    ' - name: web',
    ['13:2: this line is indented by 1, its siblings by 2'],
  ],
  [
    'a whole entry one blank too far',
    '  - name: web\n    service: web.prod.svc.cluster.local\n    port: 80',
    '   - name: web\n     service: web.prod.svc.cluster.local\n     port: 80',
    ['13:4: this line is indented by 3, its siblings by 2'],
  ],
  ['a tab for blanks', '    port: http', '	port: http', ['6:1: a tab indents this line: use blanks']],
  [
    'tabs in two lines',
    '    port: http\n    health:',
    '\tport: http\n\thealth:',
    ['6:1: a tab indents this line: use blanks', '7:1: a tab indents this line: use blanks'],
  ],
  [
    'a colon in a text',
    'service: db.prod.svc.cluster.local',
    'service: db: prod',
    ['5:14: the text holds a colon and a blank, which would make it a key: put it in quotes: "db: prod"'],
  ],
  [
    'a mapping without braces',
    'hold: { timeout: 10s, maxRequests: 1000 }',
    'hold: timeout: 10s',
    ['26:17: a mapping on one line stands in braces: write hold: { timeout: 10s }'],
  ],
  [
    'no closing brace',
    'port: 8081 }',
    'port: 8081',
    ['8:16: this { is not closed: is a } missing at the end?'],
  ],
  [
    'no closing brace within',
    'value: b }]',
    'value: b ]',
    ['22:52: this { is not closed: is a } missing at the end?'],
  ],
  [
    'no closing bracket',
    '[{ name: db }]',
    '[{ name: db }',
    ['23:22: this [ is not closed: is a ] missing at the end?'],
  ],
  [
    'no closing bracket within',
    '[POST, PUT]',
    '[POST, PUT',
    ['22:29: this [ is not closed: is a ] missing at the end?'],
  ],
  [
    'no opening brace',
    'hold: { timeout',
    'hold: timeout',
    ['26:49: this } closes nothing: is a { missing before it?'],
  ],
  [
    'no opening bracket',
    '[{ name: db }]',
    '{ name: db }]',
    ['23:34: this ] closes nothing: is a [ missing before it?'],
  ],
  ['a brace too many', 'port: 8081 }', 'port: 8081 }}', ['8:46: this } closes nothing: take it away']],
  [
    'no closing quote',
    '"ROLE\\r\\n"',
    '"ROLE\\r\\n',
    ['12:22: this " is not closed: is another missing at the end of the text?'],
  ],
  [
    'no closing quote at the end of a line',
    'address: 127.0.0.1:8080',
    'address: "127.0.0.1:8080',
    ['18:14: this " is not closed: is another missing at the end of the text?'],
  ],
  [
    'no opening quote',
    '"${POD_NAME:-}"',
    '${POD_NAME:-}"',
    ['32:31: this " closes nothing: is another missing at the beginning of the text?'],
  ],
  [
    'a variable between braces without quotes',
    '"${POD_NAME:-}"',
    '${POD_NAME:-}',
    ['32:18: "${POD_NAME:-}" stands between braces or brackets: put it in quotes: "${POD_NAME:-}"'],
  ],
  [
    'a wildcard without quotes',
    '["*.example.com"]',
    '[*.example.com]',
    [
      '21:21: listeners[0].rules[0].hostnames[0]: there is no anchor &.example.com before this alias; a text that starts with * must be in quotes: "*.example.com"',
    ],
  ],
  [
    'an escape that is none',
    '"master"',
    '"role:\\w+"',
    ['12:54: \\w means nothing in double quotes: use single ones, which take a backslash as it is'],
  ],
  ['no colon', 'period: 2s', 'period 2s', ['9:7: a colon is missing after period']],
  ['no colon before a block', 'health:', 'health', ['7:5: a colon is missing after health']],
  [
    'no colon between braces',
    '{ name: db, weight: 90 }',
    '{ name: db, weight 90 }',
    [
      '30:25: listeners[0].rules[1].backendRefs[0]["weight 90"]: unknown key: a colon is missing: write weight: 90',
    ],
  ],
  [
    'no blank after a colon',
    'period: 2s',
    'period:2s',
    ['9:7: a blank is missing after the colon: write period: 2s'],
  ],
  [
    'no blank after a colon between braces',
    'timeout: 10s,',
    'timeout:10s,',
    [
      '26:19: listeners[0].rules[0].selection.hold["timeout:10s"]: unknown key: a blank is missing after the colon: write timeout: 10s',
    ],
  ],
  [
    'no blank after a dash',
    '- name: web',
    '-name: web',
    ['13:3: a blank is missing after the dash: write - name: web'],
  ],
  ['no comma', 'timeout: 10s,', 'timeout: 10s', ['26:32: a comma is missing before maxRequests']],
  [
    'no comma in a list',
    '[POST, PUT]',
    '[POST PUT]',
    [
      '22:30: listeners[0].rules[0].matches[0].method[0]: "POST PUT" is more than one method: write a list, as in [GET, HEAD]',
    ],
  ],
  [
    'no dash',
    '  - name: web',
    '    name: web',
    ['13:5: backends: a "- " is missing before name, which starts another entry'],
  ],
  [
    'no dashes at all',
    '  - name: http\n',
    '    name: http\n',
    ['17:5: listeners: must be a list, is a mapping: put "- " before its first key'],
  ],
  [
    'a dash too many in a mapping',
    '      period: 2s',
    '      - period: 2s',
    ['9:9: period starts no entry of a list: take the "- " before it away'],
  ],
  [
    'a list for a mapping',
    '      httpGet: { path: /healthz, port: 8081 }\n      period: 2s',
    '      - period: 2s',
    ['8:7: backends[0].health: must be a mapping, is a list: take the "- " before its keys away'],
  ],
  [
    'brackets for a mapping',
    'timeouts: { request: 30s }',
    'timeouts: [{ request: 30s }]',
    ['27:19: listeners[0].rules[0].timeouts: must be a mapping, is a list: take its brackets away'],
  ],
  [
    'a mapping for a list',
    'backendRefs: [{ name: db }]',
    'backendRefs: { name: db }',
    ['23:22: listeners[0].rules[0].backendRefs: must be a list, is a mapping: put brackets around it'],
  ],
  [
    'two keys on a line',
    '    port: http\n    health:',
    '    port: http    health:',
    ['6:19: health must start on a line of its own'],
  ],
  [
    'a comment without #',
    'period: 2s',
    'period: 2s   as for: the kubelet',
    ['9:18: is a # missing before this comment?'],
  ],
  [
    'a comment without a blank',
    'period: 2s',
    'period: 2s# as for: the kubelet',
    ['9:17: a blank is missing before the #, which starts no comment without'],
  ],
  [
    'a key twice',
    '    port: http',
    '    port: http\n    port: http',
    ['7:5: backends[0].port: the key is given twice, first in line 6'],
  ],
  [
    'a document of another kind',
    'kind: ProxyConfig',
    'kind: ProxyConfig\n---',
    ['3:1: the file holds more than one YAML document (---): keep one'],
  ],
  [
    'two slips',
    '    port: http\n    health:\n      httpGet: { path: /healthz, port: 8081 }',
    '   port: http\n    health:\n      httpGet: { path: /healthz, port: 8081',
    [
      '6:4: this line is indented by 3, its siblings by 4',
      '8:16: this { is not closed: is a } missing at the end?',
    ],
  ],
  [
    'a slip and a wrong value',
    '    port: http\n    health:\n      httpGet: { path: /healthz, port: 8081 }',
    '   port: http\n    health:\n      httpGet: { path: /healthz, port: 80810 }',
    [
      '6:4: this line is indented by 3, its siblings by 4',
      '8:40: backends[0].health.httpGet.port: must be at most 65535, is 80810',
    ],
  ],
];

/** Words that are right elsewhere, or in another way. */
const OF_GRAMMAR: readonly Slip[] = [
  [
    'a duration for a wait',
    'hold: { timeout: 10s, maxRequests: 1000 }',
    'hold: 5s',
    [
      '26:17: listeners[0].rules[0].selection.hold: must be a mapping, is the text "5s": write hold: { timeout: 5s }',
    ],
  ],
  [
    'a key one level too high',
    'type: Leader',
    'timeout: 10s\n          type: Leader',
    ['25:11: listeners[0].rules[0].selection.timeout: unknown key: it belongs to selection.hold.timeout'],
  ],
  [
    'a probe one level too high',
    'probe:\n        tcp: { send: "ROLE\\r\\n", expect: { contains: "master" } }',
    'httpGet: { path: /x }',
    ['11:7: backends[0].leader.httpGet: unknown key: it belongs to leader.probe.httpGet'],
  ],
  [
    'a name for a leader',
    'leader:\n      probe:\n        tcp: { send: "ROLE\\r\\n", expect: { contains: "master" } }',
    'leader: patroni',
    [
      '10:13: backends[0].leader: must be a mapping, is the text "patroni": write leader: { preset: patroni }',
    ],
  ],
  [
    'a type for a selection',
    'selection:\n          type: Leader\n          hold: { timeout: 10s, maxRequests: 1000 }',
    'selection: Leader',
    [
      '24:20: listeners[0].rules[0].selection: must be a mapping, is the text "Leader": write selection: { type: Leader }',
    ],
  ],
  [
    'a type in small letters for a selection',
    'selection:\n          type: Leader\n          hold: { timeout: 10s, maxRequests: 1000 }',
    'selection: leader',
    [
      '24:20: listeners[0].rules[0].selection: must be a mapping, is the text "leader": write selection: { type: Leader }',
    ],
  ],
  [
    'a type in small letters',
    'type: Leader',
    'type: leader',
    [
      '25:17: listeners[0].rules[0].selection.type: must be one of Leader, Ordinal, FanOut, Balance, is the text "leader"; did you mean Leader?',
    ],
  ],
  [
    'a key of another type',
    'type: Leader',
    'type: Balance',
    ['26:11: listeners[0].rules[0].selection.hold: unknown key: hold goes with type: Leader or Ordinal'],
  ],
  [
    'a duration for timeouts',
    'timeouts: { request: 30s }',
    'timeouts: 30s',
    [
      '27:19: listeners[0].rules[0].timeouts: must be a mapping, is the text "30s": write timeouts: { request: 30s }, or timeouts: { backendRequest: 30s }',
    ],
  ],
  [
    'one timeout',
    'timeouts: { request: 30s }',
    'timeout: 30s',
    ['27:9: listeners[0].rules[0].timeout: unknown key; did you mean timeouts?'],
  ],
  [
    'a number for a duration',
    'timeouts: { request: 30s }',
    'timeouts: { request: 30 }',
    [
      '27:30: listeners[0].rules[0].timeouts.request: must be a duration such as 10s, is the number 30: write 30s or 30ms',
    ],
  ],
  [
    'a number of retries',
    'timeouts: { request: 30s }',
    'retry: 3',
    ['27:16: listeners[0].rules[0].retry: must be a mapping, is the number 3: write retry: { attempts: 3 }'],
  ],
  [
    'a wait one level too high',
    'timeouts: { request: 30s }',
    'hold: { timeout: 3s }',
    ['27:9: listeners[0].rules[0].hold: unknown key: it belongs to selection.hold'],
  ],
  [
    'a type one level too high',
    'timeouts: { request: 30s }',
    'type: Leader',
    ['27:9: listeners[0].rules[0].type: unknown key: it belongs to selection.type'],
  ],
  [
    'a name for a list of backends',
    'backendRefs: [{ name: db }]',
    'backendRefs: db',
    [
      '23:22: listeners[0].rules[0].backendRefs: must be a list, is the text "db": write backendRefs: [{ name: db }]',
    ],
  ],
  [
    'names for a list of backends',
    'backendRefs: [{ name: db }]',
    'backendRefs: [db]',
    ['23:23: listeners[0].rules[0].backendRefs[0]: must be a mapping, is the text "db": write { name: db }'],
  ],
  [
    'a port beside a backend, as the Gateway API has it',
    'backendRefs: [{ name: db }]',
    'backendRefs: [{ name: db, port: 80 }]',
    [
      '23:35: listeners[0].rules[0].backendRefs[0].port: unknown key: the port is given once, at the backend: backends[].port',
    ],
  ],
  [
    'a method without match',
    'matches: [{ method: [POST, PUT], headers: [{ name: X-A, value: b }] }]',
    'method: POST',
    ['22:9: listeners[0].rules[0].method: unknown key: it belongs to matches[].method'],
  ],
  [
    'a path without match',
    'matches: [{ method: [POST, PUT], headers: [{ name: X-A, value: b }] }]',
    'path: /x',
    ['22:9: listeners[0].rules[0].path: unknown key: it belongs to matches[].path'],
  ],
  [
    'a text for a path',
    'matches: [{ method: [POST, PUT], headers: [{ name: X-A, value: b }] }]',
    'matches: [{ path: /x }]',
    [
      '22:27: listeners[0].rules[0].matches[0].path: must be a mapping, is the text "/x": write path: { value: /x }',
    ],
  ],
  [
    'a text for matches',
    'matches: [{ method: [POST, PUT], headers: [{ name: X-A, value: b }] }]',
    'matches: /x',
    [
      '22:18: listeners[0].rules[0].matches: must be a list, is the text "/x": write matches: [{ path: { value: /x } }]',
    ],
  ],
  [
    'a path for a probe',
    'httpGet: { path: /healthz, port: 8081 }',
    'httpGet: /healthz',
    [
      '8:16: backends[0].health.httpGet: must be a mapping, is the text "/healthz": write httpGet: { path: /healthz }',
    ],
  ],
  [
    'a period one level too high',
    'health:\n      httpGet: { path: /healthz, port: 8081 }\n      period: 2s',
    'period: 2s',
    ['7:5: backends[0].period: unknown key: it belongs to health.period'],
  ],
  [
    'name servers one level too high',
    'health:\n      httpGet: { path: /healthz, port: 8081 }\n      period: 2s',
    'nameservers: [1.2.3.4]',
    ['7:5: backends[0].nameservers: unknown key: it belongs to discovery.nameservers'],
  ],
  [
    'a key one level too low',
    '      period: 2s',
    '      connection: { maxPerPod: 3 }',
    ['9:7: backends[0].health.connection: unknown key: it belongs one level higher, beside health'],
  ],
  [
    'a duration for the end',
    'shutdown:\n  timeout: 25s',
    'shutdown: 25s',
    ['33:11: shutdown: must be a mapping, is the text "25s": write shutdown: { timeout: 25s }'],
  ],
  [
    'a port for the admin address',
    'shutdown:\n  timeout: 25s',
    'admin: 9180',
    ['33:8: admin: must be a mapping, is the number 9180: write admin: { address: ":9180" }'],
  ],
  [
    'an address for the admin address',
    'shutdown:\n  timeout: 25s',
    'admin: ":9180"',
    ['33:8: admin: must be a mapping, is the text ":9180": write admin: { address: ":9180" }'],
  ],
  [
    'a level for the log',
    'shutdown:\n  timeout: 25s',
    'log: debug',
    ['33:6: log: must be a mapping, is the text "debug": write log: { level: debug }'],
  ],
  [
    'a leader at the top',
    'shutdown:\n  timeout: 25s',
    'leader: { preset: redis }',
    ['33:1: leader: unknown key: it belongs to backends[].leader'],
  ],
  [
    'a whole file under spec',
    'self: {',
    'spec: {',
    ['32:1: spec: unknown key: take this level away: backends and listeners stand at the top of the file'],
  ],
  [
    'a status for a list of statuses',
    'timeouts: { request: 30s }',
    'retry: { codes: 503 }',
    ['27:25: listeners[0].rules[0].retry.codes: must be a list, is the number 503: write codes: [503]'],
  ],
  [
    'a header for an ordinal',
    'type: Leader\n          hold: { timeout: 10s, maxRequests: 1000 }',
    'type: Ordinal\n          key: X-Tenant',
    [
      '26:16: listeners[0].rules[0].selection.key: must be a mapping, is the text "X-Tenant": write key: { header: X-Tenant }, or key: { queryParam: X-Tenant }, or key: { cookie: X-Tenant }',
    ],
  ],
  [
    'a type for a mapping',
    'type: Leader\n          hold: { timeout: 10s, maxRequests: 1000 }',
    'type: Ordinal\n          mapping: JumpHash\n          key: { header: a }',
    [
      '26:20: listeners[0].rules[0].selection.mapping: must be a mapping, is the text "JumpHash": write mapping: { type: JumpHash, replicas: ... }',
    ],
  ],
  [
    'a misspelt key that is needed',
    'port: http\n',
    'prot: http\n',
    ['4:5: backends[0].port: is missing', '6:5: backends[0].prot: unknown key; did you mean port?'],
  ],
  [
    'a misspelt kind',
    'kind: ProxyConfig',
    'kid: ProxyConfig',
    ['1:1: kind: is missing: it must be ProxyConfig', '2:1: kid: unknown key; did you mean kind?'],
  ],
  [
    'misspelt matches',
    'matches: [{ method',
    'matces: [{ method',
    ['22:9: listeners[0].rules[0].matces: unknown key; did you mean matches?'],
  ],
  [
    'a port for an address',
    'address: 127.0.0.1:8080',
    'address: 8080',
    [
      '18:14: listeners[0].address: must be an address such as 127.0.0.1:8080, is the number 8080: write 127.0.0.1:8080, or :8080 for every local address',
    ],
  ],
];

function told(meant: string, written: string): string[] {
  expect(GOOD).toContain(meant);
  return placesOf(GOOD.replace(meant, () => written)).map((line) => line.replace(/^f\.yaml:/, ''));
}

it('the file is good before it is spoilt', () => expect(placesOf(GOOD)).toEqual([]));

describe('a slip of YAML is told as what it is, where it is, and nothing else', () => {
  it.each(OF_YAML)('%s', (_what, meant, written, expected) => expect(told(meant, written)).toEqual(expected));
});

describe('a key or value in a wrong place is told with the right one', () => {
  it.each(OF_GRAMMAR)('%s', (_what, meant, written, expected) =>
    expect(told(meant, written)).toEqual(expected),
  );
});
