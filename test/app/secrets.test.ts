/** What a probe sends may be a secret (SPEC 4): neither the log nor /state nor /config shows it, nor what came from the environment. */
import { expect, it } from 'vitest';
import { listener, sidecar, stage } from './support/stage.ts';

const variable = (name: string): string => `$\{${name}}`;
const env = {
  SEGMENT: 'segment-hunter2',
  TOKEN: 'query-hunter2',
  BEARER: 'header-hunter2',
  ROLE: 'role-hunter2',
};

it.concurrent('no value of a probe shows up, though the Pod sends it back', async (test) => {
  const scene = await stage(test);
  const [first] = scene.pods;
  const target = `/${env.SEGMENT}/leader?k=${env.TOKEN}&fixed=literal-hunter2`;
  for (const pod of scene.pods)
    pod.onRequest = (connection, request) => {
      if (request.target !== target) return connection.answer(pod.name, request);
      // One answers by a redirect to the same place, the other by a body without what is asked for.
      if (pod === first)
        connection.write(
          `HTTP/1.1 307 No\r\nLocation: http://db-1${target}\r\nX-Echo: ${env.BEARER}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
        );
      else
        connection.write(
          `HTTP/1.1 200 OK\r\nX-Echo: ${env.BEARER}\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{"role":"none"}`,
        );
    };
  const running = await sidecar(
    test,
    scene.document({
      log: { level: 'trace' },
      backends: [
        scene.backend({
          leader: {
            probe: {
              http: {
                method: 'POST',
                path: `/${variable('SEGMENT')}/leader?k=${variable('TOKEN')}&fixed=literal-hunter2`,
                headers: [{ name: 'Authorization', value: `Bearer ${variable('BEARER')}` }],
                body: 'body-hunter2',
              },
              expect: { status: [200], json: { pointer: '/role', equals: variable('ROLE') } },
              period: '50ms',
            },
          },
        }),
      ],
      listeners: [listener()],
    }),
    { env },
  );
  await running.until(
    async () => JSON.stringify(await running.state()).split('POST /').length > 2,
    'the leader probes of both Pods',
  );
  const shown: string[] = [JSON.stringify(await running.state()), running.stderr];
  shown.push(await (await fetch(`http://${running.debug}/config`)).text());
  shown.push(await (await fetch(`http://${running.debug}/explain?method=POST&url=/x`)).text());
  const what = 'POST /[redacted]/leader?k=[redacted]&fixed=[redacted] answered';
  expect(shown[0]).toContain(`${what} 307 to http://db-1/[redacted]/leader?k=[redacted]&fixed=[redacted]`);
  expect(shown[0]).toContain(`${what} 200, /role is not \\"[redacted]\\"`);
  for (const text of shown) expect(text).not.toContain('hunter2');
});
