import { expect, it } from 'vitest';
import { redactConfig } from '../../src/admin/redact-config.ts';
import type { HttpProbe } from '../../src/model/config.ts';
import { backendConfig, configWith } from '../helpers/config.ts';

const http: HttpProbe = {
  type: 'http',
  method: 'POST',
  path: '/role',
  port: 8081,
  headers: [{ name: 'Authorization', value: 'Bearer s3cret' }],
  body: '{"token":"s3cret"}',
  expect: { status: [200], json: [], header: null },
};

it('GET /config shows no value of a probe header, body or send, and the rest as loaded', () => {
  const times = { periodMs: 1, timeoutMs: 1, failureThreshold: 1, successThreshold: 1 };
  const tcp = {
    type: 'tcp',
    port: null,
    send: 'AUTH s3cret\r\n',
    reply: null,
    auth: { username: 'app', password: 's3cret' },
    expectContains: 'master',
  } as const;
  const config = configWith({
    backends: [
      backendConfig({
        health: { probe: http, ...times },
        leader: {
          source: { type: 'Probe', probe: tcp, term: null, lineage: null, searchPeriodMs: 100, ...times },
          onConflict: 'Refuse',
          learn: [],
        },
      }),
      backendConfig({
        name: 'plain',
        leader: { source: { type: 'Ordinal', ordinal: 0 }, onConflict: 'Refuse', learn: [] },
      }),
    ],
  });
  const before = structuredClone(config);
  const text = JSON.stringify(redactConfig(config));
  expect(text).not.toContain('s3cret');
  const shown = JSON.parse(text);
  expect(shown.backends[0].health.probe).toEqual({
    ...http,
    headers: [{ name: 'Authorization', value: '[redacted]' }],
    body: '[redacted]',
  });
  expect(shown.backends[0].leader.source.probe).toEqual({
    ...tcp,
    send: '[redacted]',
    auth: { username: '[redacted]', password: '[redacted]' },
  });
  expect(shown.backends[1]).toEqual(config.backends[1]);
  expect(config).toEqual(before);
});

it('GET /config shows no value of a query, and none that came from the environment', () => {
  const times = { periodMs: 1, timeoutMs: 1, failureThreshold: 1, successThreshold: 1 };
  const probe: HttpProbe = {
    ...http,
    path: '/t/s3cret/role?k=other&s3cret=1&bare&e=',
    expect: {
      status: null,
      json: [
        { pointer: '/a', equals: 's3cret' },
        { pointer: '/b', equals: 'plain' },
        { pointer: '/c', equals: 42 },
      ],
      header: { name: 'X', value: 'a s3cret b' },
    },
    hidden: ['s3cret', '42'],
  };
  const shown = redactConfig(configWith({ backends: [backendConfig({ health: { probe, ...times } })] }));
  expect(JSON.parse(JSON.stringify(shown)).backends[0].health.probe).toEqual({
    type: 'http',
    method: 'POST',
    path: '/t/[redacted]/role?k=[redacted]&[redacted]=[redacted]&[redacted]&e=',
    port: 8081,
    headers: [{ name: 'Authorization', value: '[redacted]' }],
    body: '[redacted]',
    expect: {
      status: null,
      json: [
        { pointer: '/a', equals: '[redacted]' },
        { pointer: '/b', equals: 'plain' },
        { pointer: '/c', equals: '[redacted]' },
      ],
      header: { name: 'X', value: 'a [redacted] b' },
    },
  });
});
