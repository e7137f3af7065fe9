import { type IncomingMessage, request } from 'node:http';
import { isIPv6, type Socket } from 'node:net';
import type { ClaimValues, HttpProbe } from '../../model/config.ts';
import { redactTarget } from '../../model/redact.ts';
import { after } from '../../platform/clock.ts';
import { looksLikeTls, refusedCertificate } from '../../platform/tls/failure.ts';
import { judgeAnswer, needsBody } from './judge-answer.ts';
import { type ExchangeTarget, MAX_READ_BYTES, type ProbeExchange, probeExchange } from './probe-exchange.ts';
import {
  errorWords,
  failed,
  formatMs,
  type ProbeResult,
  type RunningProbe,
  spokeTls,
} from './probe-result.ts';
import { hiddenOf, SHOWN_BYTES } from './said.ts';

/** How long the body of an answer that fails by its head is waited for, to be shown to people. */
const FIRST_WORDS_MS = 20;

/**
 * One HTTP exchange, no redirect followed (caddyserver/caddy#6291), at most `MAX_READ_BYTES` of body read. Whatever the Pod
 * answers, the probe ends in a result.
 */
export function probeHttp(
  probe: HttpProbe,
  shown: ClaimValues | null,
  to: ExchangeTarget,
  done: (result: ProbeResult) => void,
): RunningProbe {
  const hidden = hiddenOf(probe);
  const what = `${probe.method} ${redactTarget(probe.path, probe.hidden)}`;

  const begin = (socket: Socket, exchange: ProbeExchange): void => {
    const { end, entry } = exchange;
    try {
      const req = request({
        createConnection: () => socket,
        method: probe.method,
        path: probe.path,
        headers: requestHeaders(probe, to),
        maxHeaderSize: MAX_READ_BYTES,
        insecureHTTPParser: false,
      });
      req.on(
        'error',
        entry((error: ExchangeError) => end(exchangeFailure(error, to.tls !== null))),
      );
      const onInformation = (): void => {
        if (socket.bytesRead > 2 * MAX_READ_BYTES)
          end(failed('failure', `${what} answered nothing but 1xx for 128 KiB`, true));
      };
      req.on('information', entry(onInformation));
      req.on(
        'upgrade',
        entry((res: IncomingMessage) => end(failed('failure', `${what} answered ${res.statusCode}`, true))),
      );
      req.on(
        'response',
        entry((res: IncomingMessage) => read(res, exchange)),
      );
      req.end(probe.body ?? undefined);
    } catch (error) {
      end(failed('error', `${what} cannot be sent: ${errorWords(error as Error)}`));
    }
  };

  const read = (res: IncomingMessage, { end, entry }: ProbeExchange): void => {
    const judge = (body: Buffer): ProbeResult =>
      judgeAnswer(
        { status: res.statusCode ?? 0, headers: pairs(res.rawHeaders), body },
        probe.expect,
        shown,
        what,
        hidden,
      );
    const early = needsBody(probe.expect, shown) ? null : judge(Buffer.alloc(0));
    const parts: Buffer[] = [];
    let size = 0;
    const endEarly = (): void => end(judge(Buffer.concat(parts)), true);
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (early === null || size - chunk.length < SHOWN_BYTES) parts.push(chunk);
      if (early !== null && size >= SHOWN_BYTES) endEarly();
      if (size > MAX_READ_BYTES)
        end(failed('failure', `${what} answered ${res.statusCode} with more than 64 KiB`, true));
    };
    const onClosed = (): void =>
      early === null
        ? end(failed('error', `${what} answered ${res.statusCode}, then closed the connection`))
        : end(judge(Buffer.concat(parts)));
    res.on('data', entry(onData));
    res.on(
      'end',
      entry(() => end(judge(Buffer.concat(parts)))),
    );
    res.on('error', entry(onClosed));
    res.on('close', entry(onClosed));
    // The head decides: the Pod may send its body (so that it does not log a broken pipe), but nobody waits for it but to quote it.
    if (early?.outcome === 'success') end(early, true);
    else if (early !== null) after(FIRST_WORDS_MS, entry(endEarly));
  };

  const late = (): ProbeResult => failed('timeout', `no answer to ${what} within ${formatMs(to.timeoutMs)}`);
  return probeExchange(to, { begin, late }, done);
}

/** The Host is the Pod's DNS name, with the port as RFC 9110 section 7.2 has it, unless `headers` give one (apisix#4906). */
function requestHeaders(probe: HttpProbe, { target, port }: ExchangeTarget): string[] {
  const given = probe.headers.filter(({ name }) => !FRAMING.has(name.toLowerCase()));
  const flat = given.flatMap(({ name, value }) => [name, value]);
  if (!given.some(({ name }) => name.toLowerCase() === 'host')) {
    const host = isIPv6(target.dnsName) ? `[${target.dnsName}]` : target.dnsName;
    flat.unshift('Host', port === 80 ? host : `${host}:${port}`);
  }
  if (!given.some(({ name }) => name.toLowerCase() === 'user-agent')) flat.push('User-Agent', 'headroute');
  if (probe.body !== null) flat.push('Content-Length', `${Buffer.byteLength(probe.body)}`);
  flat.push('Connection', 'close');
  return flat;
}

/** What the probe alone decides about its message. */
const FRAMING = new Set(['connection', 'content-length', 'transfer-encoding']);

interface ExchangeError extends Error {
  readonly code?: string;
  /** What the parser of HTTP did not understand. */
  readonly rawPacket?: Buffer;
}

function exchangeFailure(error: ExchangeError, isTls: boolean): ProbeResult {
  if (!isTls && error.rawPacket !== undefined && looksLikeTls(error.rawPacket)) return spokeTls();
  const refused = refusedCertificate(error, true);
  if (refused !== null) return { ...failed('error', refused.message), tls: refused.tlsCause };
  if (error.code?.startsWith('HPE_HEADER_OVERFLOW'))
    return failed('failure', 'the answer has a head of more than 64 KiB', true);
  if (error.code?.startsWith('HPE_')) return failed('failure', 'the answer is not HTTP', true);
  if (error.code === 'ECONNRESET') return failed('error', 'connection closed without an answer');
  return failed('error', errorWords(error));
}

function pairs(raw: readonly string[]): [string, string][] {
  const list: [string, string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) list.push([raw[i]!.toLowerCase(), raw[i + 1]!]);
  return list;
}
