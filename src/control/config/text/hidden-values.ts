import type { BackendConfig, Config, Probe } from '../../../model/config.ts';
import { withLeaderProbe } from '../../../model/leader-probe.ts';
import type { Located } from './yaml-tree.ts';

/** Parts of a probe's mapping that say what is sent and what must come back. */
const SAYING = ['httpGet', 'http', 'tcp', 'expect', 'auth'];
/** Of these a value is no secret, and shown wherever the probe is. */
const SHOWN = new Set<string | number>(['port', 'method', 'name', 'status', 'pointer', 'equalsPointer']);

/** The configuration whose probes know which of their values came from the environment, so that nobody is shown them (SPEC 4). */
export function withHiddenValues(config: Config, root: Located): Config {
  const backends = config.backends.map((backend, index) => {
    const at = below(root, ['backends', index]);
    const health = hiddenIn(below(at, ['health']));
    const leader = [...hiddenIn(below(at, ['leader', 'probe'])), ...hiddenIn(below(at, ['leader']))];
    if (health.length === 0 && leader.length === 0) return backend;
    return hidden(backend, health, leader);
  });
  return { ...config, backends };
}

function hidden(
  backend: BackendConfig,
  health: readonly string[],
  inLeader: readonly string[],
): BackendConfig {
  return {
    ...backend,
    health: { ...backend.health, probe: hide(backend.health.probe, health) },
    leader: withLeaderProbe(backend.leader, (probe) => hide(probe, inLeader)),
  };
}

function hide<P extends Probe>(probe: P, values: readonly string[]): P {
  return values.length === 0 || probe.type === 'tcpSocket' ? probe : { ...probe, hidden: values };
}

function hiddenIn(probe: Located | undefined): string[] {
  const values = new Set<string>();
  const walk = (at: Located): void => {
    for (const { value } of at.variables) values.add(value);
    for (const [key, { node }] of at.members) if (!SHOWN.has(key)) walk(node);
  };
  for (const key of SAYING) {
    const said = below(probe, [key]);
    if (said !== undefined) walk(said);
  }
  values.delete('');
  return [...values];
}

function below(at: Located | undefined, path: readonly (string | number)[]): Located | undefined {
  return path.reduce<Located | undefined>((node, key) => node?.members.get(key)?.node, at);
}
