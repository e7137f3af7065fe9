import type { TlsConfig } from './config.ts';

/** What is believed although it is not verified, in words for whoever configured it or looks on; null: all is verified. */
export function unverified(verify: TlsConfig['verify']): string | null {
  switch (verify) {
    case 'Full':
      return null;
    case 'Chain':
      return 'any Pod with a certificate of that CA is believed: names are not checked';
    case 'None':
      return 'anybody is believed to be a Pod: nothing is checked';
  }
}
