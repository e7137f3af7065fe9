import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import type { Pick, PickContext, Picker, Wait } from './contract.ts';

/** The one Pod that leads. While none is known, or two are, nothing goes anywhere (SPEC 6, promise 3). */
export const leaderPicker: Picker = {
  pick: pickLeader,
  exclusion: (pod, backend, context) => {
    const pick = pickLeader(backend, context);
    if (pick.type === 'pod' && pick.pod.id === pod.id) return null;
    if (pod.state !== 'ready') return notReady(pod);
    return pick.type === 'pod' ? `is a follower: ${pick.pod.name} leads` : pick.detail;
  },
};

export function pickLeader(backend: BackendSnapshot, context: PickContext): Exclude<Pick, { type: 'pods' }> {
  const { leadership } = backend;
  const { leader } = leadership;
  if (leadership.state === 'unconfigured')
    return {
      type: 'fail',
      failure: 'no_leader',
      detail: `backend ${backend.config.name} has no leader source`,
    };
  if (leadership.state === 'conflict')
    return wait('leader_conflict', leadership.reason || 'more than one Pod claims to lead');
  if (leadership.state === 'none' || leader === null)
    return wait('no_leader', leadership.reason || 'no Pod claims to lead');
  if (leader.state !== 'ready')
    return wait('no_leader', `${leader.name} claims to lead but ${notReady(leader)}`);
  if (leadership.revision < context.minLeaderRevision)
    return wait(
      'no_leader',
      `${leader.name} refused this request and has not been confirmed as leader since`,
    );
  const barred = context.barred(leader, leadership.reign);
  if (barred !== null) return wait('no_leader', barred);
  return { type: 'pod', pod: leader };
}

function wait(failure: Wait['failure'], detail: string): Wait {
  return { type: 'wait', failure, detail };
}

/** Why a Pod that is not ready gets nothing, in words. */
export function notReady(pod: PodView): string {
  return pod.reason === '' ? `is ${pod.state}` : `is ${pod.state}: ${pod.reason}`;
}
