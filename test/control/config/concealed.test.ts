/** SPEC 4: a message about a wrong value that came from the environment names the variable, not the value. */
import { expect, it } from 'vitest';
import { configOf, LEADER, problemsOf, sample } from './sample.ts';

const variable = (inside: string): string => `$\{${inside}}`;
const S = variable('SECRET');
type Parts = Parameters<typeof sample>[0];

/** [where, what stands there, its value, what is said]. Every kind of message that shows a value. */
const WRONG: [string, Parts, string, string][] = [
  [
    'backends[0].health.timeout',
    { backend: { health: { timeout: S } } },
    'hunter2s',
    'the value of SECRET is not',
  ],
  [
    'backends[0].health.failureThreshold',
    { backend: { health: { failureThreshold: S } } },
    '70001',
    'must be at most 1000, is the value of SECRET',
  ],
  [
    'backends[0].health.failureThreshold',
    { backend: { health: { failureThreshold: S } } },
    'hunter2',
    'must be a number, is the value of SECRET',
  ],
  [
    'backends[0].health.httpGet.path',
    { backend: { health: { httpGet: { path: S } } } },
    'hunter2',
    'the value of SECRET must start with /',
  ],
  [
    'backends[0].health.httpGet.path',
    { backend: { health: { httpGet: { path: `/a?k=${S}` } } } },
    'hunter 2',
    'the value of SECRET can hold neither blanks',
  ],
  [
    'backends[0].health.http.method',
    { backend: { health: { http: { method: S } } } },
    'get',
    'the value of SECRET is not valid here',
  ],
  [
    'backends[0].health.httpGet.port',
    { backend: { health: { httpGet: { port: S } } } },
    '[hunter2]',
    'must be a number, is the value of SECRET',
  ],
  ['backends[0].port', { backend: { port: S } }, 'hunter_2_hunter_2', 'the value of SECRET is not'],
  ['backends[0].service', { backend: { service: S } }, 'hunter2..x', 'the value of SECRET'],
  [
    'backends[0].discovery.nameservers[0]',
    { backend: { discovery: { nameservers: [S] } } },
    'hunter2.example',
    'the value of SECRET must be an IP address',
  ],
  ['listeners[0].address', { listener: { address: S } }, '99887766', 'SECRET'],
  ['listeners[0].address', { listener: { address: S } }, 'fe80::9988:8080', 'the value of SECRET'],
  [
    'listeners[0].address',
    { listener: { address: `${variable('SECRET')}:x` } },
    'hunter2',
    'the value of SECRET has no port',
  ],
  [
    'listeners[0].protocol',
    { listener: { protocol: S } },
    'HTTPS',
    'must be one of HTTP, TCP, is the value of SECRET',
  ],
  [
    'listeners[0].protocol',
    { listener: { protocol: S } },
    'HTTP2',
    'the value of SECRET is not supported yet',
  ],
  ['listeners[0].limits.headBytes', { listener: { limits: { headBytes: S } } }, 'hunter2', 'SECRET'],
  [
    'listeners[0].rules[0].backendRefs[0].name',
    { rule: { backendRefs: [{ name: S }] } },
    'hunter2',
    'there is no backend the value of SECRET',
  ],
  [
    'listeners[0].rules[0].matches[0].path.value',
    { rule: { matches: [{ path: { type: 'Exact', value: S } }] } },
    'hunter2',
    'the value of SECRET must start with /',
  ],
  [
    'backends[0].leader.learn[0].status',
    { backend: { leader: { ...LEADER, learn: [{ status: S }] } } },
    '207',
    'must be a status from 300 to 599, is the value of SECRET',
  ],
  ['log.level', { document: { log: { level: S } } }, 'hunter2', 'is the value of SECRET'],
  ['log.access', { document: { log: { access: S } } }, 'hunter2', 'is the value of SECRET'],
];

it.each(WRONG)('%s: %j with the value %j', (path, parts, value, said) => {
  const problems = problemsOf(sample(parts), { SECRET: value });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(`${path}: `);
  expect(problems[0]).toContain(said);
  const told = problems[0]!.slice(path.length).toLowerCase();
  // An enumeration may list what resembles it.
  if (!told.includes('must be one of') && !said.includes('supported'))
    for (let i = 0; i + 4 <= value.length; i++)
      expect(told).not.toContain(value.slice(i, i + 4).toLowerCase());
  expect(told).not.toContain(`"${value.toLowerCase()}"`);
});

it('a value of the file itself is shown as before, a default of a variable too', () => {
  expect(problemsOf(sample({ listener: { address: 'nowhere' } }))[0]).toContain(
    '"nowhere" is not an address',
  );
  expect(problemsOf(sample({ listener: { address: variable('UNSET:-nowhere') } }))[0]).toContain('"nowhere"');
});

it('two variables in one value are both named', () => {
  const [problem] = problemsOf(sample({ listener: { address: `${variable('A')}-${variable('B')}` } }), {
    A: 'hunter2',
    B: 'swordfish',
  });
  expect(problem).toContain('the value of A and B is not an address');
  expect(problem).not.toMatch(/hunter|sword/);
});

it('a problem elsewhere that mentions a value of the environment does not show it either', () => {
  const listener = { rules: [{ backendRefs: [{ name: 'hunter2' }], selection: { type: 'Leader' } }] };
  const problems = problemsOf(sample({ backend: { name: S }, listener }), { SECRET: 'hunter2' });
  expect(problems.join('\n')).toContain('(the value of SECRET)');
  expect(problems.join('\n')).not.toContain('"hunter2"');
});

it('a probe knows which of its values came from the environment', () => {
  const config = configOf(
    sample({
      backend: {
        health: {
          httpGet: {
            path: `/h/${variable('A')}?k=${variable('B')}`,
            port: variable('PORT'),
            headers: [{ name: 'X', value: variable('C:-plain') }],
          },
        },
        leader: { probe: { tcp: { send: variable('D'), expect: { contains: variable('E') } } } },
      },
    }),
    { A: 'aaaa', B: 'bbbb', PORT: '8081', D: 'dddd', E: 'eeee' },
  );
  const [{ health, leader }] = config.backends as [(typeof config.backends)[0]];
  expect(health.probe).toMatchObject({ hidden: ['aaaa', 'bbbb'] });
  expect(leader!.source).toMatchObject({ probe: { hidden: ['dddd', 'eeee'] } });
  expect(configOf(sample()).backends[0]!.health.probe).not.toHaveProperty('hidden');
});
