/**
 * What matching and picking may know of a request. The data path implements it over a parsed head, without making
 * strings that nobody asks for; `explain` implements it over a method, a URL and header lines.
 * Every string is a byte string (byte-string.ts): one character per byte, latin1.
 */
export interface RequestView {
  /** Case-sensitive (RFC 9110 section 9.1). */
  readonly method: string;
  /** Raw path of the target in origin-form, without the query; `*` for the asterisk-form. */
  readonly path: string;
  /** Raw query without `?`; `''` where there is none. */
  readonly query: string;
  /** Lower-case host without port (of the absolute-form target, else of Host); `''` where there is none. */
  readonly host: string;
  /** Value of a field by lower-case name, several lines joined by `, ` (Cookie by `; `), or undefined. */
  header(name: string): string | undefined;
}
