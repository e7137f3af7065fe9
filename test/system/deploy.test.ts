import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { requireTool } from '../../scripts/servers/location.mjs';

/** deploy/ as a cluster would get it: built by kubectl, held by kubeconform against Kubernetes' own schemas, unknown fields refused. */

const examples = readdirSync('deploy/examples');

function build(example: string): string {
  const run = spawnSync(requireTool('kubectl'), ['kustomize', join('deploy/examples', example)], {
    encoding: 'utf8',
  });
  expect(run.stderr).toBe('');
  return run.stdout;
}

function validate(manifests: string) {
  const schemas = join(requireTool('kubernetes-schemas'), '{{ .ResourceKind }}{{ .KindSuffix }}.json');
  const args = ['-strict', '-output', 'json', '-verbose', '-schema-location', schemas, '-'];
  const run = spawnSync(requireTool('kubeconform'), args, { input: manifests, encoding: 'utf8' });
  const { resources } = JSON.parse(run.stdout) as {
    resources: { kind: string; status: string; msg: string }[];
  };
  return { status: run.status, resources };
}

describe.each(examples)('deploy/examples/%s', (example) => {
  it('is built by kubectl kustomize and accepted by the validator', () => {
    const { status, resources } = validate(build(example));
    expect(resources.filter((resource) => resource.status !== 'statusValid')).toEqual([]);
    expect(resources.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['Namespace', 'Service', 'StatefulSet', 'Deployment', 'ConfigMap']),
    );
    expect(status).toBe(0);
  });

  it('passes headroute check as a whole', () => {
    const run = spawnSync(process.execPath, ['dist/headroute.js', 'check', '--config', '-'], {
      encoding: 'utf8',
      input: build(example),
    });
    // What the Secret holds is in the cluster.
    const lines = run.stdout
      .split('\n')
      .filter((line) => !/: warning: .*"\/etc\/.*" is not there$/.test(line));
    expect(lines).toEqual([
      expect.stringMatching(/^<stdin>: headroute\.yaml of ConfigMap headroute: ok \(.*\)$/),
      '',
    ]);
    expect(run.status).toBe(0);
  });

  it('gives the client the sidecar before all else, and nobody who did not ask', () => {
    const objects = parseAllDocuments(build(example)).map((document) => document.toJS());
    const config = objects.find(
      ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'headroute',
    );
    expect(Object.keys(config.data)).toEqual(['headroute.yaml']);
    const client = objects.find(({ kind }) => kind === 'Deployment').spec.template;
    expect(client.spec.initContainers[0]).toMatchObject({ name: 'headroute', restartPolicy: 'Always' });
    expect(client.spec.volumes).toContainEqual({
      name: 'headroute-config',
      configMap: { name: 'headroute' },
    });
    expect(client.metadata.labels).toMatchObject({
      'headroute.dev/sidecar': 'enabled',
      'app.kubernetes.io/name': 'client',
    });
    const servers = objects.find(({ kind }) => kind === 'StatefulSet').spec.template;
    expect(servers.spec.initContainers ?? []).toEqual([]);
  });
});

describe('the validator', () => {
  it('refuses a misspelt field, a wrong type and a misspelt field of a PodMonitor', () => {
    const whole = build('nginx-monitored');
    const spoilt = [
      whole.replace('readOnlyRootFilesystem', 'readOnlyRootFilesytem'),
      whole.replace('restartPolicy: Always', 'restartPolicy: 3'),
      whole.replace('interval: 15s', 'intervall: 15s'),
    ];
    for (const manifests of spoilt) {
      expect(manifests).not.toBe(whole);
      expect(validate(manifests).status).not.toBe(0);
    }
  });

  it.each(['PodMonitor', 'PrometheusRule'])('accepts the %s', (wanted) => {
    const found = validate(build('nginx-monitored')).resources.find(({ kind }) => kind === wanted);
    expect(found?.status).toBe('statusValid');
  });

  it('refuses a misspelt field of a PrometheusRule', () => {
    const whole = build('nginx-monitored');
    const spoilt = whole.replace('alert: HeadrouteNoLeader', 'alarm: HeadrouteNoLeader');
    expect(spoilt).not.toBe(whole);
    expect(validate(spoilt).status).not.toBe(0);
  });
});
