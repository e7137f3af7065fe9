/**
 * Messages that come in single bytes: they cost time and memory by what they hold, not by the number of pieces.
 *
 * Story: each byte of a Pod's head, and of trailers, copied all that had come before it. A body kept for a hold, a retry or a
 * fan-out was kept as an object for each piece: 60 KB in segments of one byte took 15 MB, so a hold within `maxBytes` (16 MiB)
 * took 4 GB.
 * Sources: F29 of http-cases.json (one byte at a time); issue 11 item 6 (memory bounded); slowhttptest -B.
 */
import { describe, expect, it } from 'vitest';
import { CompactPieces } from '../../src/data/compact-pieces.ts';
import { KeptBody } from '../../src/data/exchange/kept-body.ts';
import { ChunkScanner } from '../../src/data/http1/chunk-scanner.ts';
import { ResponseReader } from '../../src/data/http1/response-reader.ts';
import type { Piece } from '../../src/data/stream/message.ts';
import { leaderSelection } from '../helpers/data-plane.ts';
import { expectCanonical, lines, scene } from '../helpers/scene.ts';
import { mainThreadCpuMs } from '../helpers/thread-cpu.ts';

/** An ordinary machine takes a twentieth. */
const MAX_CPU_MS = 1000;

function text(pieces: readonly Piece[]): string {
  return pieces.map((piece) => (typeof piece === 'string' ? piece : piece.toString('latin1'))).join('');
}

describe('F29 one byte at a time', () => {
  it('heads of a Pod, 20 of 60 KB', () => {
    const head = Buffer.from(`HTTP/1.1 200 OK\r\nX: ${'y'.repeat(60_000)}\r\nContent-Length: 2\r\n\r\n`);
    const before = mainThreadCpuMs();
    for (let n = 0; n < 20; n++) {
      const reader = new ResponseReader();
      reader.begin();
      for (let i = 0; i < head.length - 1; i++) expect1(reader.readHead(head, i, i + 1), 0);
      expect1(reader.readHead(head, head.length - 1, head.length), head.length);
      expect(reader.head.contentLength).toBe(2);
      expect(reader.inHead).toBe(false);
    }
    expect(mainThreadCpuMs() - before).toBeLessThan(MAX_CPU_MS);
  });

  it('trailers of 500 KB, where headBytes allows them', () => {
    const body = Buffer.from(`0\r\nX: ${'y'.repeat(500_000)}\r\n\r\nGET `);
    const scanner = new ChunkScanner('framed', 1 << 20, null);
    const out: Piece[] = [];
    const before = mainThreadCpuMs();
    for (let i = 0; i < body.length - 4; i++) expect1(scanner.push(body, i, i + 1, out), i + 1);
    expect(scanner.done).toBe(true);
    expect(text(out)).toBe(body.toString('latin1', 0, body.length - 4));
    expect(mainThreadCpuMs() - before).toBeLessThan(MAX_CPU_MS);
  });

  it.each([1, 2, 3, 7, 40])('a head and trailers in pieces of %i end where they end', (size) => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n';
    const body = '2\r\nok\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\n';
    const bytes = Buffer.from(`${head}${body}HTTP/1.1 200 OK\r\n`);
    const reader = new ResponseReader();
    reader.begin();
    const out: Piece[] = [];
    let at = 0;
    let begun = false;
    for (let start = 0; start < bytes.length && !reader.complete; start += size) {
      const end = Math.min(start + size, bytes.length);
      at = start;
      if (!begun) {
        at = reader.readHead(bytes, start, end);
        if (at === 0) continue;
        begun = true;
        reader.beginBody('GET', 'framed');
      }
      at = reader.readBody(bytes, at, end, out);
    }
    expect(at).toBe(head.length + body.length);
    expect(text(out)).toBe(body);
  });
});

/** `expect` alone takes some µs, a million times. */
function expect1(got: number, wanted: number): void {
  if (got !== wanted) expect(got).toBe(wanted);
}

describe('a body kept', () => {
  const bytes = Buffer.from(Array.from({ length: 65_000 }, (_, n) => n % 251));

  it.each([
    [
      'for a hold or a retry',
      (pieces: Piece[][]) => {
        const kept = new KeptBody(true);
        for (const some of pieces) kept.add(some, text(some).length, true);
        return kept.pieces!;
      },
    ],
    [
      'for a fan-out',
      (pieces: Piece[][]) => {
        const kept = new CompactPieces();
        for (const some of pieces) for (const piece of some) kept.add(piece);
        return kept.list;
      },
    ],
  ])('%s takes few pieces, whatever it came in', (_, keep) => {
    const single: Piece[][] = Array.from(bytes, (_, i) => [bytes.subarray(i, i + 1)]);
    const mixed: Piece[][] = [];
    for (let at = 0, size = 1; at < bytes.length; size = (size * 7 + 3) % 3000) {
      const piece = bytes.subarray(at, at + size);
      mixed.push([piece.toString('latin1', 0, size >> 1), piece.subarray(size >> 1)]);
      at += size;
    }
    for (const pieces of [single, mixed]) {
      const kept = keep(pieces);
      expect(text(kept)).toBe(bytes.toString('latin1'));
      expect(kept.length).toBeLessThan(200);
    }
  });

  it('is not changed by what is added while it is in use', () => {
    const kept = new CompactPieces();
    const seen: [Piece, string][] = [];
    for (let n = 0; n < 3000; n++) {
      kept.add(String(n));
      const last = kept.list.at(-1)!;
      seen.push([last, text([last])]);
    }
    for (const [piece, before] of seen) expect(text([piece])).toBe(before);
  });

  it.each([
    ['segments', 'Content-Length: 3000', (byte: string) => byte, ''],
    ['chunks', 'Transfer-Encoding: chunked', (byte: string) => `1;x\r\n${byte}\r\n`, '0\r\n\r\n'],
  ])(
    'in %s of one byte reaches the leader whole after a hold, and again after a refusal',
    async (_, framing, frame, end) => {
      const body = bytes.toString('latin1', 0, 3000);
      const {
        pods,
        plane,
        client: dial,
      } = await scene({
        scripts: [{ onRequest: (c) => c.write('HTTP/1.1 421 X\r\nContent-Length: 0\r\n\r\n') }, {}],
        leader: { state: 'none' },
        learn: [{ status: [421], location: false, header: null }],
        rules: [{ selection: leaderSelection() }],
      });
      const client = await dial();
      client.send(lines('POST /x HTTP/1.1', 'Host: a', framing));
      await client.sendPieces(Array.from(body, frame));
      client.send(end);
      plane.setLeader('db-0');
      expect((await pods[0]!.request()).body.toString('latin1')).toBe(body);
      plane.setLeader('db-1');
      expect((await client.response('POST')).status).toBe(200);
      expect(pods[1]!.requests[0]!.body.toString('latin1')).toBe(body);
      expectCanonical(pods);
    },
  );
});
