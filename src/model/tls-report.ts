/** What `/state` shows of one `tls` of a backend. Times are wall-clock milliseconds. */
export interface TlsReport {
  /** Where it stands under the backend: `tls`, `health.tls` or `leader.probe.tls`. */
  readonly at: string;
  readonly verify: 'Full' | 'Chain' | 'None';
  readonly serverName: string | null;
  readonly minVersion: string;
  readonly ca: string | null;
  /** Our own certificate; null: none is shown to Pods. */
  readonly certificate: { readonly file: string; readonly notAfterMs: number | null } | null;
  /** Why the files cannot be used as they are now; null: they are in force. */
  readonly problem: string | null;
  /** Certificates that Pods have shown last. */
  readonly pods: readonly {
    readonly pod: string;
    readonly names: readonly string[];
    readonly notAfterMs: number;
  }[];
}
