import type { TlsConfig } from '../../../model/config.ts';
import { ifGiven, nothingLeft } from './whole.ts';

/** `tls` of a backend, or of a probe. */
export function showTls({ ca, cert, key, serverName, minVersion, verify, ...rest }: TlsConfig): object {
  nothingLeft(rest);
  return {
    ...ifGiven('ca', ca),
    ...ifGiven('cert', cert),
    ...ifGiven('key', key),
    ...ifGiven('serverName', serverName),
    minVersion,
    verify,
  };
}

/** That of a probe, which may say that it is plain; none where it is as the data. */
export function showProbeTls({ tls }: { readonly tls?: TlsConfig | null }): object {
  if (tls === undefined) return {};
  return { tls: tls === null ? false : showTls(tls) };
}
