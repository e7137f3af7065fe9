/** What OPTIONS with `Max-Forwards: 0` gets: this hop's own answer (RFC 9110 section 7.6.2). */
export function optionsAnswer(close: boolean): string {
  const allow = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';
  return `HTTP/1.1 200 OK\r\nAllow: ${allow}\r\nContent-Length: 0\r\n${close ? 'Connection: close\r\n' : ''}\r\n`;
}
