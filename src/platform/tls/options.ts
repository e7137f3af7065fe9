/** How Pods are spoken to over TLS: `tls` of a backend or of a probe, every default filled in. */
export interface TlsOptions {
  /** Path of a PEM file; null: Node's roots. */
  readonly ca: string | null;
  /** Path of our own certificate with its chain, where there is one. */
  readonly cert: string | null;
  /** Path of its key. */
  readonly key: string | null;
  /** SNI and the name verified; null: each Pod's own. */
  readonly serverName: string | null;
  readonly minVersion: '1.2' | '1.3';
  /** `Chain`: the name is not checked; `None`: nothing is. */
  readonly verify: 'Full' | 'Chain' | 'None';
}
