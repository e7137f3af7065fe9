/** How the last change of the configuration ended. */
export interface LastReload {
  /** Wall clock, milliseconds since 1970. */
  readonly atMs: number;
  readonly ok: boolean;
  /** Why it was refused, a line each as `headroute check` prints them; empty where it took effect. */
  readonly problems: readonly string[];
  /** What it added, removed and changed (config-changes.ts); empty where it was refused. */
  readonly changes: readonly string[];
}
