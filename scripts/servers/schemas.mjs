// JSON Schemas for kubeconform, offline: Kubernetes' own from the OpenAPI document in its source, PodMonitor's and PrometheusRule's from
// the Prometheus Operator's CRDs. One self-contained file a kind, strict: a field that the API does not know is an error, as with
// `kubectl apply --validate=strict`.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { moduleFiles } from './go.mjs';

const REF = '#/definitions/';
const CUSTOM = ['monitoring.coreos.com_podmonitors.yaml', 'monitoring.coreos.com_prometheusrules.yaml'];

/**
 * @param {import('./catalog.mjs').SchemaSet} set
 * @param {string} folder receives <kind>-<group>-<version>.json
 */
export function writeSchemas(set, folder) {
  const kubernetes = moduleFiles('k8s.io/kubernetes', set.kubernetes);
  const openApi = JSON.parse(readFileSync(join(kubernetes, 'api/openapi-spec/swagger.json'), 'utf8'));
  for (const [name, definition] of Object.entries(openApi.definitions)) {
    for (const { group, version, kind } of definition['x-kubernetes-group-version-kind'] ?? []) {
      if (definition.properties?.kind === undefined || /alpha|beta/.test(version)) continue;
      const schema = { $ref: REF + name, definitions: reachable(name, openApi.definitions) };
      writeFileSync(join(folder, fileName(group, version, kind)), JSON.stringify(schema));
    }
  }
  const operator = moduleFiles('github.com/prometheus-operator/prometheus-operator', set.prometheusOperator);
  for (const file of CUSTOM) {
    const { spec } = parse(readFileSync(join(operator, 'example/prometheus-operator-crd', file), 'utf8'));
    for (const { name, schema } of spec.versions) {
      const whole = strict(schema.openAPIV3Schema);
      // The CRD leaves metadata to the API server.
      whole.properties.metadata = {
        $ref: `${REF}io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta`,
      };
      whole.definitions = reachable('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', openApi.definitions);
      writeFileSync(join(folder, fileName(spec.group, name, spec.names.kind)), JSON.stringify(whole));
    }
  }
}

/** The name kubeconform looks for: `{{ .ResourceKind }}{{ .KindSuffix }}`, the suffix being the group's first label and the version. */
function fileName(group, version, kind) {
  const first = group.split('.')[0];
  return `${[kind, first, version].filter((part) => part !== '').join('-')}.json`.toLowerCase();
}

/** The definition and all that it refers to, made strict. */
function reachable(start, all) {
  const found = {};
  const left = [start];
  while (left.length > 0) {
    const name = left.pop();
    if (name in found) continue;
    found[name] = strict(all[name]);
    for (const [, next] of JSON.stringify(all[name]).matchAll(/"#\/definitions\/([^"]+)"/g)) left.push(next);
  }
  return found;
}

/** A copy that accepts no unknown field, and that takes quantities and int-or-string as the API server does. */
function strict(schema) {
  if (Array.isArray(schema)) return schema.map(strict);
  if (schema === null || typeof schema !== 'object') return schema;
  if (schema.format === 'int-or-string' || schema['x-kubernetes-int-or-string'] === true) {
    return { type: ['string', 'integer'] };
  }
  if (/^Quantity is a fixed-point/.test(schema.description ?? '')) return { type: ['string', 'number'] };
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, strict(value)]));
  const open =
    schema.additionalProperties !== undefined || schema['x-kubernetes-preserve-unknown-fields'] === true;
  const isSchema = schema.properties !== undefined && !Array.isArray(schema.properties);
  if (isSchema && schema.type === 'object' && !open) copy.additionalProperties = false;
  return copy;
}
