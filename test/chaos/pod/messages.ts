import type { Faults } from './faults.ts';

/** From a Pod to whoever hands out the lease and keeps what was committed. */
export type FromPod =
  | { readonly is: 'hello'; readonly name: string; readonly incarnation: number }
  | { readonly is: 'renew'; readonly n: number }
  | {
      readonly is: 'commit';
      readonly n: number;
      readonly term: number;
      readonly id: string;
      readonly key: string;
    }
  | { readonly is: 'read'; readonly n: number; readonly term: number; readonly key: string };

export type ToPod =
  /** The answer to `renew`; `term: null`: another Pod holds the lease, or nobody may. `n: -1`: it was taken away. */
  | { readonly is: 'lease'; readonly n: number; readonly term: number | null; readonly forMs: number }
  /** `ok: false`: the term is not the present one, nothing was done. */
  | { readonly is: 'done'; readonly n: number; readonly ok: boolean; readonly value: string | null }
  | { readonly is: 'faults'; readonly faults: Faults };

/** How a Pod is started: the one argument of its process, as JSON. */
export interface PodOptions {
  readonly name: string;
  readonly incarnation: number;
  readonly host: string;
  readonly dataPort: number;
  readonly probePort: number;
  readonly coordinatorPort: number;
  readonly logFile: string;
  readonly faults: Faults;
}
