import { expect, it } from 'vitest';
import { redactConfig } from '../../../src/admin/redact-config.ts';
import { restartProblems } from '../../../src/control/config/watching/restart.ts';
import { PRESET_NAMES } from '../../../src/control/leadership/presets.ts';
import { configOf, problemsOf, sample } from './sample.ts';

it('admin, debug and self need a restart, nothing else does', () => {
  const running = configOf(sample());
  const next = configOf(
    sample({
      document: { admin: { address: ':1' }, debug: { address: '127.0.0.1:2' }, self: { podName: 'a-0' } },
    }),
  );
  expect(
    restartProblems(running, next, 'f', {}).map(({ path, message }) => [path, message.slice(0, 15)]),
  ).toEqual(['admin.address', 'debug.address', 'self.podName'].map((path) => [path, 'needs a restart']));
  const other = configOf(sample({ document: { log: { level: 'debug' } }, listener: { address: ':7' } }));
  expect(restartProblems(running, other, 'f', {})).toEqual([]);
});

it('what probes send is not shown', () => {
  const secret = { method: 'POST', headers: [{ name: 'Authorization', value: 'S3CRET' }], body: 'S3CRET' };
  const http = configOf(
    sample({ backend: { health: { http: secret }, leader: { probe: { http: secret } } } }),
  );
  const tcp = configOf(
    sample({
      backend: {
        leader: {
          preset: 'redis',
          probe: { tcp: { send: 'AUTH S3CRET\r\nROLE\r\n', expect: { contains: 'master' } } },
        },
      },
    }),
  );
  const auth = configOf(
    sample({ backend: { leader: { preset: 'redis', auth: { username: 'S3CRET', password: 'S3CRET' } } } }),
  );
  for (const config of [http, tcp, auth]) {
    const shown = JSON.stringify(redactConfig(config));
    expect(JSON.stringify(config)).toContain('S3CRET');
    expect(shown).not.toContain('S3CRET');
    expect(shown).toContain('[redacted]');
  }
  expect(
    problemsOf(
      sample({ backend: { health: { http: { headers: [{ name: 'A', value: 'S3CRET\n' }] } } } }),
    ).join(),
  ).not.toContain('S3CRET');
});

it.each(PRESET_NAMES)('preset %s is a leader probe by itself', (preset) => {
  const { leader } = configOf(sample({ backend: { leader: { preset } } })).backends[0]!;
  expect(leader!.source.type).toBe('Probe');
});

it('what is given beside a preset wins', () => {
  const sourceOf = (leader: object) => configOf(sample({ backend: { leader } })).backends[0]!.leader!.source;
  expect(sourceOf({ preset: 'patroni', probe: { httpGet: { port: 9008 }, period: '2s' } })).toMatchObject({
    periodMs: 2000,
    probe: { path: '/primary', port: 9008, expect: { status: [200] } },
  });
  expect(
    sourceOf({ preset: 'etcd', probe: { tcp: { send: 'x', expect: { contains: 'y' } } } }),
  ).toMatchObject({
    term: null,
    probe: { type: 'tcp', expectContains: 'y' },
  });
  // Another question has another answer.
  expect(
    sourceOf({ preset: 'redis', probe: { tcp: { send: 'ROLE\r\n', expect: { contains: 'master' } } } }),
  ).toMatchObject({ lineage: null, probe: { send: 'ROLE\r\n', reply: null, expectContains: 'master' } });
  expect(
    problemsOf(
      sample({ backend: { leader: { preset: 'redis', probe: { tcp: { send: 'ROLE\r\n' } } } } }),
    ).join(),
  ).toContain('backends[0].leader.probe.tcp.expect: is missing');
  expect(
    sourceOf({ preset: 'redis', probe: { tcp: { port: 6380 } }, auth: { password: 'p' } }),
  ).toMatchObject({
    probe: { port: 6380, reply: 'RESP', auth: { username: null, password: 'p' } },
  });
});
