import type { Socket } from 'node:net';
import type { HostPort } from '../../../model/config.ts';
import { type DialFailure, systemDialer } from '../../../platform/dialer.ts';
import { guarded } from '../../../platform/guard.ts';
import { matchResponse, type Query } from './dns-query.ts';
import { type ExchangeOutcome, socketFailed } from './exchange-udp.ts';

/** Frames that answer something else, before the connection is given up. */
const MAX_STRAY_FRAMES = 4;

/**
 * Sends a query over a TCP connection of its own (RFC 7766: two bytes of length before each message) and reads until
 * the whole answer is there, in pieces of any size. Waits without limit; the function returned stops it. Holds at most
 * one message (64 KiB).
 */
export function exchangeTcp(
  server: HostPort,
  query: Query,
  onOutcome: (outcome: ExchangeOutcome) => void,
): () => void {
  let socket: Socket | null = null;
  let open = true;
  let chunks: Buffer[] = [];
  let buffered = 0;
  let strays = 0;
  const stop = (): void => {
    open = false;
    if (socket === null) dialling.cancel();
    else socket.destroy();
  };
  const end = (outcome: ExchangeOutcome): void => {
    if (!open) return;
    stop();
    onOutcome(outcome);
  };
  const onError = (error: Error): void => end(socketFailed(error));
  const onClosed = (): void => end({ kind: 'unreachable', detail: 'connection closed before the answer' });
  const onOpened = (opened: Socket): void => {
    socket = opened;
    socket.on('error', guarded('dns', onError, crashed));
    socket.on('close', guarded('dns', onClosed, crashed));
    socket.on('end', guarded('dns', onClosed, crashed));
    socket.on('data', guarded('dns', onData, crashed));
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.bytes.length);
    socket.write(Buffer.concat([length, query.bytes]));
  };
  const onData = (chunk: Buffer): void => {
    chunks.push(chunk);
    buffered += chunk.length;
    while (open && buffered >= 2) {
      // Joined only when a frame may be complete: a slow drip must not copy the message once a byte.
      if (chunks[0]!.length < 2) chunks = [Buffer.concat(chunks)];
      const frame = 2 + chunks[0]!.readUInt16BE(0);
      if (buffered < frame) return;
      const bytes = Buffer.concat(chunks);
      chunks = [bytes.subarray(frame)];
      buffered -= frame;
      const response = matchResponse(query, bytes.subarray(2, frame));
      if (response !== null) end(response);
      else if (frame === 2 || ++strays > MAX_STRAY_FRAMES)
        end({ kind: 'malformed', detail: 'no answer to the question in the stream' });
    }
  };
  const crashed = (): void => end({ kind: 'unreachable', detail: 'internal error' });
  const onUnopened = ({ error }: DialFailure): void => end(socketFailed(error!));
  const dialling = systemDialer.dial(
    {
      addresses: [server.host],
      port: server.port,
      timeoutMs: Number.POSITIVE_INFINITY,
      options: { noDelay: true },
    },
    { opened: guarded('dns', onOpened, crashed), unopened: guarded('dns', onUnopened, crashed) },
  );
  return stop;
}
