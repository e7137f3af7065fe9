import type { Credentials, Expect, Probe } from '../../../model/config.ts';
import { showProbeTls } from './show-tls.ts';
import { ifAny, ifGiven, nothingLeft } from './whole.ts';

/** The keys that say how a Pod is asked: `httpGet`, `http`, `tcp` or `tcpSocket`, with `expect` and `tls` beside it. */
export function showProbe(probe: Probe): object {
  return { ...showAsking(probe), ...showProbeTls(probe) };
}

function showAsking(probe: Probe): object {
  switch (probe.type) {
    case 'http': {
      const { type: _, method, path, port, headers, body, expect, hidden: __, tls: ___, ...rest } = probe;
      nothingLeft(rest);
      const request = { path, ...ifGiven('port', port), ...ifAny('headers', headers) };
      return {
        ...(method === 'GET' && body === null
          ? { httpGet: request }
          : { http: { method, ...request, ...ifGiven('body', body) } }),
        ...showExpect(expect),
      };
    }
    case 'tcp': {
      // Credentials stand beside the probe: showLeader writes them.
      const { type: _, port, send, reply, auth: __, expectContains, hidden: ___, tls: ____, ...rest } = probe;
      nothingLeft(rest);
      return {
        tcp: {
          ...ifGiven('port', port),
          send,
          ...ifGiven('reply', reply),
          expect: { contains: expectContains },
        },
      };
    }
    case 'tcpSocket':
      return { tcpSocket: ifGiven('port', probe.port) };
  }
}

/** The keys of `auth`. */
export function showCredentials({ username, password }: Credentials): object {
  return { ...ifGiven('username', username), password };
}

function showExpect({ status, json, header, ...rest }: Expect): object {
  nothingLeft(rest);
  if (status === null && json.length === 0 && header === null) return {};
  return { expect: { ...ifGiven('status', status), ...ifAny('json', json), ...ifGiven('header', header) } };
}
