/**
 * A stop meets requests that have arrived and were not read yet (K4: nodejs/node#60617). Their clients cannot know that; a connection
 * that is closed over their heads would be a request lost, and after a POST nobody could say whether it was carried out.
 */
import { expect, it } from 'vitest';
import { lines, scene } from '../helpers/scene.ts';
import { value } from '../helpers/wire.ts';

it('K4: a request that is in the kernel, unread, when the stop begins is answered 200, as the last one', async () => {
  const { client: dial, plane, pod } = await scene();
  const clients = [await dial(), await dial(), await dial()];
  for (const client of clients) await client.exchange(lines('GET /first HTTP/1.1', 'Host: a'));
  // One piece of work of this process: all is written before headroute has a chance to read, and the stop comes first.
  for (const client of clients) client.send(lines('POST /last HTTP/1.1', 'Host: a', 'Content-Length: 0'));
  const stopped = plane.plane.shutdown(5000);
  const answers = await Promise.all(clients.map((client) => client.response('POST')));
  expect(answers.map((answer) => [answer.status, value(answer, 'Connection')])).toEqual(
    clients.map(() => [200, 'close']),
  );
  await stopped;
  expect(pod.requests.filter(({ method }) => method === 'POST')).toHaveLength(3);
});
