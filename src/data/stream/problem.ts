import type { Failure } from '../../model/failure.ts';

/** One failure to be told to a client. */
export interface ProblemDetails {
  readonly failure: Failure;
  readonly detail: string;
  readonly rule: string;
  readonly backend: string;
  /** Whether any byte of the request went to a Pod; in doubt true. */
  readonly sent: boolean;
  /** Where it is not the failure's own. */
  readonly status?: number | undefined;
  /** Of a 405, the methods in `Allow` (RFC 9110 section 15.5.6); default: those of a fan-out. */
  readonly allow?: string;
}
