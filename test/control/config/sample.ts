import { stringify } from 'yaml';
import { parseConfig } from '../../../src/control/config/parse.ts';
import { formatProblem } from '../../../src/control/config/problem.ts';
import type { Environment } from '../../../src/control/config/text/environment.ts';
import type { Config } from '../../../src/model/config.ts';

type Fields = Record<string, unknown>;

export const LEADER = { probe: { httpGet: { path: '/leader' } } };

/** The smallest valid document with these parts over it; each part replaces what it names. */
export function sample(
  parts: { document?: Fields; backend?: Fields; listener?: Fields; rule?: Fields } = {},
): Fields {
  const rule = { backendRefs: [{ name: 'db' }], ...parts.rule };
  const listener = { name: 'web', address: '127.0.0.1:8080', rules: [rule], ...parts.listener };
  const backend = { name: 'db', service: 'db.prod.svc.cluster.local', port: 'http', ...parts.backend };
  return {
    apiVersion: 'headroute.dev/v1alpha1',
    kind: 'ProxyConfig',
    backends: [backend],
    listeners: [listener],
    ...parts.document,
  };
}

/** The configuration of a document that must be valid. */
export function configOf(document: Fields | string, env: Environment = {}): Config {
  const result = parseConfig(textOf(document), 'f.yaml', env);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return result.config;
}

/** The problems of a document, as `path: message`. */
export function problemsOf(document: Fields | string, env: Environment = {}): string[] {
  return placesOf(document, env).map((problem) => problem.replace(/^f\.yaml:\d+:\d+: /, ''));
}

/** The problems of a document as they are printed. */
export function placesOf(document: Fields | string, env: Environment = {}): string[] {
  const result = parseConfig(textOf(document), 'f.yaml', env);
  return result.ok ? [] : result.problems.map(formatProblem);
}

export function textOf(document: Fields | string): string {
  return typeof document === 'string' ? document : stringify(document);
}
