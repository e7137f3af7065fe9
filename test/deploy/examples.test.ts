import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';

/** The configurations and manifests that deploy/ ships, as far as they can be checked without Kubernetes' tools (test/system/deploy.test.ts). */

const EXAMPLES = 'deploy/examples';
const folders = readdirSync(EXAMPLES).map((name) => join(EXAMPLES, name));
const configured = folders.filter((folder) => existsSync(join(folder, 'headroute.yaml')));
const program = 'dist/headroute.js';

/** Without POD_NAME and the like, as on a laptop. */
const env = { PATH: process.env.PATH };

it('there are examples for nginx, etcd with and without TLS, Patroni and Redis', () => {
  expect(configured.map((folder) => folder.slice(EXAMPLES.length + 1))).toEqual([
    'etcd',
    'etcd-tls',
    'nginx',
    'patroni',
    'redis',
  ]);
});

describe.each(configured)('%s', (folder) => {
  const file = join(folder, 'headroute.yaml');

  it('passes headroute check', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'check', '--config', file], {
      encoding: 'utf8',
      env,
    });
    expect({ status, stdout, stderr }).toMatchObject({ status: 0, stderr: '' });
  });

  it('validates against the JSON Schema that headroute prints', () => {
    const schema = JSON.parse(execFileSync(process.execPath, [program, 'schema'], { encoding: 'utf8' }));
    const validate = new Ajv({ strict: false, allErrors: true }).compile(schema);
    const document = parse(readFileSync(file, 'utf8'));
    validate(document);
    expect(validate.errors ?? []).toEqual([]);
    expect(validate({ ...document, backend: [] })).toBe(false);
  });

  it('routes to Services of its own namespace that are headless and have the named port', () => {
    const kustomization = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8'));
    const services = manifests(folder, kustomization.resources).filter(({ kind }) => kind === 'Service');
    for (const backend of parse(readFileSync(file, 'utf8')).backends) {
      const [name, ...rest] = backend.service.split('.');
      expect(rest.join('.')).toBe(`${kustomization.namespace}.svc.cluster.local`);
      const service = services.find(({ metadata }) => metadata.name === name);
      expect(service?.spec.clusterIP).toBe('None');
      expect(service?.spec.ports.map((port: { name: string }) => port.name)).toContain(backend.port);
    }
  });
});

function manifests(folder: string, files: readonly string[]) {
  return files.flatMap((name) =>
    parseAllDocuments(readFileSync(join(folder, name), 'utf8')).map((document) => document.toJS()),
  );
}

/** Issue 10 item 11, one by one: what a Pod Security Standard, a drained node and a changed ConfigMap need. */
describe('the sidecar', () => {
  const { spec, metadata } = parse(readFileSync('deploy/sidecar/patch.yaml', 'utf8')).spec.template;
  const [sidecar] = spec.initContainers;

  it('is a native sidecar: an init container that is always restarted, without preStop', () => {
    expect(spec.initContainers).toHaveLength(1);
    expect(sidecar).toMatchObject({ name: 'headroute', restartPolicy: 'Always' });
    expect(sidecar).not.toHaveProperty('lifecycle');
    expect(spec).not.toHaveProperty('containers');
  });

  it('has all three probes on the admin port', () => {
    expect(sidecar.ports).toEqual([{ name: 'headroute-admin', containerPort: 9180, protocol: 'TCP' }]);
    const paths = { startupProbe: '/readyz', readinessProbe: '/readyz', livenessProbe: '/livez' };
    for (const [probe, path] of Object.entries(paths))
      expect(sidecar[probe].httpGet).toEqual({ path, port: 'headroute-admin' });
  });

  it('is locked down and has resources', () => {
    expect(sidecar.securityContext).toEqual({
      runAsNonRoot: true,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(sidecar.resources).toMatchObject({
      requests: { cpu: '50m', memory: '96Mi' },
      limits: { memory: '256Mi' },
    });
  });

  it('knows the name of its Pod, and follows its ConfigMap: a directory, never a subPath', () => {
    expect(sidecar.env).toEqual([
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    ]);
    expect(sidecar.volumeMounts).toEqual([
      { name: 'headroute-config', mountPath: '/etc/headroute', readOnly: true },
    ]);
    expect(spec.volumes).toEqual([{ name: 'headroute-config', configMap: { name: 'headroute' } }]);
  });

  it('is found by the PodMonitor', () => {
    const monitor = parse(readFileSync('deploy/podmonitor/podmonitor.yaml', 'utf8'));
    expect(metadata.labels).toMatchObject(monitor.spec.selector.matchLabels);
    expect(monitor.spec.podMetricsEndpoints).toMatchObject([
      { port: sidecar.ports[0].name, path: '/metrics' },
    ]);
  });
});
