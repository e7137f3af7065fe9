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
  const tcp = { type: 'tcp', port: null, send: 'AUTH s3cret\r\n', expectContains: 'master' } as const;
  const config = configWith({
    backends: [
      backendConfig({
        health: { probe: http, ...times },
        leader: {
          source: { type: 'Probe', probe: tcp, term: null, ...times },
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
  expect(shown.backends[0].leader.source.probe).toEqual({ ...tcp, send: '[redacted]' });
  expect(shown.backends[1]).toEqual(config.backends[1]);
  expect(config).toEqual(before);
});
