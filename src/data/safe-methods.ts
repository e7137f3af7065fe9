/** Safe methods (RFC 9110 section 9.2.1): the only ones that a fan-out takes without `allowUnsafe`. */
export function isSafeMethod(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'TRACE';
}
