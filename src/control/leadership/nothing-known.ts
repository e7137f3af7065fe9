import type { BackendConfig } from '../../model/config.ts';
import type { LeadershipInput } from '../build-snapshot.ts';

/** What is believed before anybody was asked. */
export function nothingKnown({ leader }: BackendConfig, revision: number): LeadershipInput {
  const nobody = { leaderId: null, term: null, claimants: [], revision, reign: 0 };
  return leader === null
    ? { ...nobody, state: 'unconfigured', reason: 'the backend has no leader configured' }
    : { ...nobody, state: 'none', reason: 'no Pod claims to lead' };
}
