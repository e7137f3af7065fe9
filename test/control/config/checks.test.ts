import { describe, expect, it } from 'vitest';
import { LEADER, problemsOf, sample } from './sample.ts';

const db = { name: 'db', service: 'db.prod.svc.cluster.local', port: 'http' };
const ref = { backendRefs: [{ name: 'db' }] };
const rules = (...list: object[]) =>
  sample({ listener: { rules: list.map((rule) => ({ ...ref, ...rule })) } });
const statefulSet = (start: number, replicas = 3) => ({
  discovery: { statefulSet: { name: 'db', replicas, start } },
});

describe('names', () => {
  it('are unique among backends, listeners, and the rules of one listener', () => {
    expect(problemsOf(sample({ document: { backends: [db, db] } }))).toEqual([
      'backends[1].name: "db" is the name of backends[0] already',
    ]);
    const web = { name: 'web', address: ':1', rules: [{ ...ref, name: 'a' }] };
    expect(problemsOf(sample({ document: { listeners: [web, { ...web, address: ':2' }] } }))).toEqual([
      'listeners[1].name: "web" is the name of listeners[0] already',
    ]);
    expect(problemsOf(rules({ name: 'a', matches: [{ method: 'GET' }] }, { name: 'a' }))).toEqual([
      'listeners[0].rules[1].name: "a" is the name of listeners[0].rules[0] already',
    ]);
  });

  it('that stand for a missing one count too', () => {
    expect(problemsOf(rules({ matches: [{ method: 'GET' }] }, { name: 'web-0' }))).toHaveLength(1);
  });
});

describe('addresses', () => {
  const two = (a: string, b: string) =>
    sample({
      document: { listeners: [a, b].map((address, n) => ({ name: `l${n}`, address, rules: [ref] })) },
    });

  it.each([
    ['127.0.0.1:80', '127.0.0.1:80'],
    [':80', '127.0.0.1:80'],
    ['127.0.0.1:80', '0.0.0.0:80'],
    ['[::1]:80', '[0::1]:80'],
  ])('%s and %s collide', (a, b) => {
    expect(problemsOf(two(a, b))).toEqual([
      expect.stringMatching(/^listeners\[1\]\.address: .* collides with listeners\[0\]\.address/),
    ]);
  });

  it.each([
    ['127.0.0.1:80', '127.0.0.1:81'],
    ['127.0.0.1:80', '[::1]:80'],
    ['127.0.0.1:0', '127.0.0.1:0'],
  ])('%s and %s do not', (a, b) => expect(problemsOf(two(a, b))).toEqual([]));

  it('collide with admin and debug, though those are not written (case I6)', () => {
    expect(problemsOf(sample({ listener: { address: '127.0.0.1:9180' } }))).toEqual([
      'listeners[0].address: 127.0.0.1:9180 collides with admin.address, :9180: change one of them',
    ]);
    expect(problemsOf(sample({ listener: { address: ':9181' } }))).toHaveLength(1);
    expect(problemsOf(sample({ document: { admin: { address: ':9181' } } }))).toEqual([
      expect.stringContaining('debug.address: 127.0.0.1:9181 collides with admin.address'),
    ]);
  });
});

describe('rules and their backends', () => {
  it('a backend that is not there', () => {
    expect(problemsOf(rules({ backendRefs: [{ name: 'dv' }] }))).toEqual([
      'listeners[0].rules[0].backendRefs[0].name: there is no backend "dv"; did you mean db?',
    ]);
  });

  it('a backend with mistakes of its own is there', () => {
    expect(problemsOf(sample({ backend: { port: 0 } }))).toEqual([
      'backends[0].port: must be at least 1, is 0',
    ]);
  });

  it('weights that are all 0', () => {
    expect(problemsOf(rules({ backendRefs: [{ name: 'db', weight: 0 }] }))).toEqual([
      expect.stringContaining('backendRefs: every weight is 0'),
    ]);
  });

  it('a Leader rule needs a leader, also as the last resort of an ordinal', () => {
    expect(problemsOf(rules({ selection: { type: 'Leader' } }))).toEqual([
      'listeners[0].rules[0].selection.type: type: Leader needs a leader under backend "db", which has none',
    ]);
    expect(
      problemsOf(rules({ selection: { type: 'Ordinal', ordinal: 0, whenUnavailable: 'Leader' } })),
    ).toHaveLength(1);
    expect(
      problemsOf(sample({ backend: { leader: LEADER }, rule: { selection: { type: 'Leader' } } })),
    ).toEqual([]);
  });

  it('a success of more Pods than there are', () => {
    const parts = (minSuccess: number) =>
      sample({ backend: statefulSet(0), rule: { selection: { type: 'FanOut', minSuccess } } });
    expect(problemsOf(parts(3))).toEqual([]);
    expect(problemsOf(parts(4))).toEqual([expect.stringContaining('minSuccess: 4 can never be met')]);
  });

  it('ordinals that the StatefulSet does not have (case O3)', () => {
    const parts = (selection: object) =>
      sample({ backend: statefulSet(5), rule: { selection: { type: 'Ordinal', ...selection } } });
    const key = { header: 'X' };
    expect(problemsOf(parts({ key, mapping: { type: 'JumpHash', replicas: 3, start: 5 } }))).toEqual([]);
    expect(problemsOf(parts({ key, mapping: { type: 'JumpHash', replicas: 3 } }))).toEqual([
      'listeners[0].rules[0].selection.mapping: gives the ordinals 0 to 2, but statefulSet db has 5 to 7',
    ]);
    expect(
      problemsOf(
        parts({ key, mapping: { type: 'Range', ranges: [{ below: 'm', ordinal: 5 }, { ordinal: 8 }] } }),
      ),
    ).toEqual([expect.stringContaining('ranges[1].ordinal: 8 is none of the ordinals 5 to 7')]);
    expect(problemsOf(parts({ ordinal: 0 }))).toHaveLength(1);
    expect(problemsOf(sample({ backend: { ...statefulSet(5), leader: { ordinal: 0 } } }))).toHaveLength(1);
  });
});

describe('key: { self: true }', () => {
  const parts = (podName: string | undefined, mapping?: object) =>
    sample({
      document: podName === undefined ? {} : { self: { podName } },
      rule: { selection: { type: 'Ordinal', key: { self: true }, ...(mapping && { mapping }) } },
    });

  it('needs self.podName', () => {
    expect(problemsOf(parts(undefined))).toEqual([
      expect.stringContaining('selection.key.self: needs self.podName'),
    ]);
    expect(problemsOf(parts(''))).toHaveLength(1);
    expect(problemsOf(parts('app-0'))).toEqual([]);
  });

  it('takes a name from the environment that only Pods have', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of the configuration file
    const document = parts('${POD_NAME:-}');
    expect(problemsOf(document)).toEqual([]);
    expect(problemsOf(document, { POD_NAME: 'app-7' })).toEqual([]);
    expect(problemsOf(document, { POD_NAME: 'app-5d9c7-x2x4z' })).toEqual([
      expect.stringContaining('has no ordinal'),
    ]);
  });

  it('needs no ordinal where the name is hashed', () => {
    expect(problemsOf(parts('app-5d9c7-x2x4z', { type: 'JumpHash', replicas: 3 }))).toEqual([]);
  });
});

describe('TCP listeners', () => {
  const tcp = (...list: object[]) =>
    sample({
      backend: { leader: LEADER },
      document: { self: { podName: 'app-0' } },
      listener: { protocol: 'TCP', rules: list.map((rule) => ({ ...ref, ...rule })) },
    });

  it.each([
    [{}],
    [{ selection: { type: 'Leader' } }],
    [{ selection: { type: 'Ordinal', ordinal: 1 } }],
    [{ selection: { type: 'Ordinal', key: { self: true } } }],
  ])('take %j', (rule) => expect(problemsOf(tcp(rule))).toEqual([]));

  it.each([
    [{ selection: { type: 'FanOut' } }, 'FanOut needs protocol: HTTP'],
    [{ selection: { type: 'Ordinal', key: { header: 'X' } } }, 'a TCP connection carries no key'],
    [{ matches: [{ method: 'GET' }] }, 'matches: has no meaning on a TCP listener'],
    [{ hostnames: ['a.b'] }, 'hostnames: has no meaning on a TCP listener'],
  ])('refuse %j', (rule, problem) =>
    expect(problemsOf(tcp(rule))).toEqual([expect.stringContaining(problem)]),
  );

  it('have one rule', () => {
    expect(problemsOf(tcp({}, {}))).toEqual([
      'listeners[0].rules[1]: a TCP listener has one rule, which takes every connection',
    ]);
  });
});

describe('rules that no request takes', () => {
  const path = (type: string, value: string) => ({ path: { type, value } });
  const dead = /rules\[1\]: no request ever takes this rule: listeners\[0\]\.rules\[0\] \(web-0\)/;

  it.each([
    [[{}, {}]],
    [[{}, { matches: [path('PathPrefix', '/')] }]],
    [[{ matches: [path('PathPrefix', '/t')] }, { matches: [path('PathPrefix', '/t/')] }]],
    [[{ matches: [path('Exact', '/t')] }, { matches: [path('Exact', '/t')] }]],
    [[{ matches: [{ method: ['GET', 'POST'] }] }, { matches: [{ method: 'POST' }] }]],
    [[{ hostnames: ['A.b'] }, { hostnames: ['a.b.'] }]],
    [
      [
        { matches: [{ headers: [{ name: 'A', value: '1' }] }] },
        { matches: [{ headers: [{ name: 'a', value: '1' }] }] },
      ],
    ],
    [[{ matches: [{ method: 'GET' }, {}] }, { matches: [{}, { method: 'GET' }] }]],
  ])('%j', (list) => expect(problemsOf(rules(...list))).toEqual([expect.stringMatching(dead)]));

  it.each([
    [[{}, { matches: [{ method: 'GET' }] }]],
    [[{}, { matches: [path('RegularExpression', '/a.*')] }]],
    [[{ matches: [path('PathPrefix', '/t')] }, { matches: [path('Exact', '/t')] }]],
    [[{ matches: [{ method: 'GET' }] }, { matches: [{ method: ['GET', 'POST'] }] }]],
    [[{ matches: [{ method: 'GET' }] }, { matches: [{ method: 'GET' }, { method: 'POST' }] }]],
    [[{ hostnames: ['a.b'] }, { hostnames: ['*.b'] }]],
    [
      [
        { matches: [{ headers: [{ name: 'A', value: '1' }] }] },
        { matches: [{ headers: [{ name: 'A', value: '2' }] }] },
      ],
    ],
    [[{ matches: [path('RegularExpression', '/a.*')] }, { matches: [path('RegularExpression', '/.*')] }]],
  ])('but not %j', (list) => expect(problemsOf(rules(...list))).toEqual([]));
});
