import type { PodConnection, PodRequest, PodScript } from '../helpers/raw-pod.ts';
import { lines, type Scene, scene } from '../helpers/scene.ts';

/** Each request once only, for tests that judge what one attempt gives. */
export const NO_RETRY = { attempts: 0, codes: [], backoffMs: 1, budget: null };

export type Reply = (connection: PodConnection, request: PodRequest) => void;

/** What `badPod` answers by its reply. */
export const GET_BAD = lines('GET /bad HTTP/1.1', 'Host: a');

/** A scene whose Pod answers `/bad…` by `reply` and anything else properly; nothing is tried again. */
export function badPod(reply: Reply): Promise<Scene> {
  const onRequest: Reply = (c, r) => (r.target.startsWith('/bad') ? reply(c, r) : c.answer(r.target, r));
  return scene({ scripts: [{ onRequest }], rules: [{ retry: NO_RETRY }] });
}

/** A Pod that answers the first `n` requests on a connection, then reads the next whole and ends by `how`. */
export function thenDies(n: number, how: 'fin' | 'reset'): PodScript {
  return {
    onRequest: (c, r) => {
      if (c.requests.length <= n) c.answer(r.target, r);
      else if (how === 'fin') c.end();
      else c.reset();
    },
  };
}
