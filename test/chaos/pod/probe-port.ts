import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Member } from './member.ts';

/** `/healthz`, and `/leader` with the claim and its term, on a port apart from the data. */
export function probeServer(member: Member): Server {
  const silenced = new Set<ServerResponse>();
  member.whenFaultsChange(() => {
    if (member.faults.probeMute) return;
    for (const response of silenced) response.destroy();
    silenced.clear();
  });
  return createServer((request, response) => {
    if (member.faults.probeMute) {
      silenced.add(response);
      response.on('close', () => silenced.delete(response));
      return;
    }
    if (!request.url!.startsWith('/leader')) {
      response.end('ok');
      return;
    }
    const { on, term } = member.claim();
    member.log.write({ e: 'probe', on, term });
    response.end(JSON.stringify({ role: on ? 'leader' : 'follower', ...(term === null ? {} : shown(term)) }));
  });
}

/** The term, and the same as lineage for those who are told to look at that: each leader has followed the one before. */
function shown(term: number): { term: number; id: string; previous: string } {
  return { term, id: `h${term}`, previous: term > 1 ? `h${term - 1}` : '' };
}
