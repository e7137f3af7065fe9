import type { LeaderConfig, LeaderProbeSource, LearnRule } from '../../../model/config.ts';
import { formatDuration } from '../grammar/duration.ts';
import { showCredentials, showProbe } from './show-probe.ts';
import { showStatic } from './show-static.ts';
import { ifGiven, nothingLeft } from './whole.ts';

/** A backend's `leader`. */
export function showLeader({ source, onConflict, learn, ...rest }: LeaderConfig): object {
  nothingLeft(rest);
  return { ...showSource(source), onConflict, learn: learn.map(showLearn) };
}

function showSource(source: LeaderConfig['source']): object {
  switch (source.type) {
    case 'Probe':
      return { type: 'Probe', ...showProbeSource(source) };
    case 'Sentinel': {
      const { type, service, port, static: fixed, master, auth, probe, ...rest } = source;
      nothingLeft(rest);
      const credentials = auth === null ? null : showCredentials(auth);
      return {
        type,
        sentinel: {
          ...(fixed === null ? { service, port } : { static: fixed.map(showStatic) }),
          master,
          ...ifGiven('auth', credentials),
        },
        ...showProbeSource(probe),
      };
    }
    case 'DNS':
      return { type: 'DNS', dns: { service: source.service } };
    case 'Ordinal':
      return { type: 'Ordinal', ordinal: source.ordinal };
  }
}

/** Its `probe`, and the `auth` that stands beside it. */
function showProbeSource(source: LeaderProbeSource): object {
  const { type: _, probe, term, lineage, periodMs, timeoutMs, ...others } = source;
  const { failureThreshold, successThreshold, searchPeriodMs, ...rest } = others;
  nothingLeft(rest);
  return {
    ...(probe.type === 'tcp' && probe.auth !== null ? { auth: showCredentials(probe.auth) } : {}),
    probe: {
      ...showProbe(probe),
      ...ifGiven('term', term),
      ...ifGiven('lineage', lineage),
      period: formatDuration(periodMs),
      timeout: formatDuration(timeoutMs),
      failureThreshold,
      successThreshold,
      searchPeriod: formatDuration(searchPeriodMs),
    },
  };
}

function showLearn({ status, location, header, ...rest }: LearnRule): object {
  nothingLeft(rest);
  const named = header === null ? null : { name: header.name, ...ifGiven('value', header.value) };
  return { status, location, ...ifGiven('header', named) };
}
