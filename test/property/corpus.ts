/** Streams that once showed a defect, or come close to one. They run before the random ones. */
export const REQUEST_STREAMS: readonly { what: string; bytes: string; cuts?: readonly number[] }[] = [
  {
    what: 'a request in a body',
    bytes:
      'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 36\r\n\r\nGET /in-body HTTP/1.1\r\nHost: b\r\n\r\n12',
  },
  {
    what: 'HEAD between two GETs',
    bytes:
      'GET /1 HTTP/1.1\r\nHost: h\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3 HTTP/1.1\r\nHost: h\r\n\r\n',
  },
  {
    what: 'Connection names what frames',
    bytes:
      'POST / HTTP/1.1\r\nConnection: Host, Content-Length, Transfer-Encoding\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello',
  },
];

export const ANSWERS: readonly { what: string; bytes: string }[] = [
  {
    what: 'two answers in one segment',
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
  },
  {
    what: 'a 100 without a request for it',
    bytes: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  },
];
