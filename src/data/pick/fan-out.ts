import type { FanOutSelection } from '../../model/config.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import type { Picker } from './contract.ts';
import { notReady } from './leader.ts';

/** Every ready Pod, or every follower: the leader does not stand in for missing followers here. */
export function fanOutPicker(selection: FanOutSelection): Picker {
  const candidates = (backend: BackendSnapshot): readonly PodView[] =>
    selection.over === 'Followers' ? backend.followers : backend.ready;
  return {
    pick(backend) {
      const pods = candidates(backend);
      if (pods.length > 0) return { type: 'pods', pods };
      const detail = selection.over === 'Followers' ? 'no follower is ready' : 'no Pod is ready';
      return { type: 'fail', failure: 'no_endpoint', detail };
    },
    exclusion(pod, backend) {
      if (candidates(backend).some((other) => other.id === pod.id)) return null;
      return pod.state === 'ready' ? 'leads, and the rule asks followers only' : notReady(pod);
    },
  };
}
