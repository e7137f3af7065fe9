import { expect, onTestFinished } from 'vitest';
import { FAILURES, type Failure } from '../../src/model/failure.ts';
import { type LeaderSpec, type PlaneOptions, startDataPlane, type TestPlane } from './data-plane.ts';
import { RawClient } from './raw-client.ts';
import { type PodScript, RawPod } from './raw-pod.ts';
import { type Message, value, values } from './wire.ts';

export interface SceneOptions extends Omit<PlaneOptions, 'pods'> {
  /** One script for each Pod `db-0`, `db-1`, …; default: one Pod that answers with the target. */
  readonly scripts?: readonly PodScript[];
  readonly leader?: LeaderSpec;
}

/** Client – headroute – Pods, with both wires in view. Everything is closed when the test ends. */
export interface Scene {
  readonly pods: readonly RawPod[];
  readonly pod: RawPod;
  readonly plane: TestPlane;
  client(): Promise<RawClient>;
}

export type Answer = Message & { status: number };

/** For `beforeAll`: the caller closes it. */
export async function openScene(options: SceneOptions = {}): Promise<Scene & { close(): Promise<void> }> {
  const { scripts = [{}], ...rest } = options;
  const pods = await Promise.all(scripts.map((script) => RawPod.start(script)));
  const plane = await startDataPlane({
    ...rest,
    pods: pods.map((pod, n) => ({ name: `db-${n}`, port: pod.port })),
  });
  const clients: RawClient[] = [];
  return {
    pods,
    pod: pods[0]!,
    plane,
    async client() {
      const client = await RawClient.connect(plane.port);
      clients.push(client);
      return client;
    },
    async close() {
      for (const client of clients) client.destroy();
      for (const pod of pods) pod.close();
      await plane.close();
    },
  };
}

export async function scene(options: SceneOptions = {}): Promise<Scene> {
  const opened = await openScene(options);
  onTestFinished(() => opened.close());
  return opened;
}

const RETRY_AFTER: ReadonlySet<string> = new Set<Failure>([
  'no_endpoint',
  'no_leader',
  'leader_conflict',
  'ordinal_unavailable',
  'hold_full',
  'hold_timeout',
  'overloaded',
  'draining',
]);

/** Checks a problem document of SPEC 3 whole: status, members, the two headers that repeat it, Retry-After. */
export function expectProblem(answer: Answer, failure: Failure, sent: boolean): void {
  const name = value(answer, 'x-headroute-failure');
  expect(name).toBe(failure);
  expect(answer.status).toBe(FAILURES[name as Failure].status);
  expect(value(answer, 'content-type')).toBe('application/problem+json');
  const problem = JSON.parse(answer.body.toString('utf8')) as Record<string, unknown>;
  expect(problem).toMatchObject({ status: answer.status, failure: name, sent });
  expect(problem.title).toBeTypeOf('string');
  expect(problem.detail).toBeTypeOf('string');
  expect(values(answer, 'x-headroute-sent')).toEqual([String(sent)]);
  expect(value(answer, 'retry-after') !== undefined).toBe(RETRY_AFTER.has(name!));
}

/** `X-Headroute-Sent: false` is a promise: no byte of that request came to any Pod since `before`. */
export function expectHonest(answer: Message, pods: readonly RawPod[], before = 0): void {
  const total = pods.reduce((sum, pod) => sum + pod.total, 0);
  if (value(answer, 'x-headroute-sent') === 'false') expect(total - before).toBe(0);
}

export function totalOf(pods: readonly RawPod[]): number {
  return pods.reduce((sum, pod) => sum + pod.total, 0);
}

/**
 * Sends bytes that must be refused before anything goes upstream: exactly one problem document, `Connection: close`, a
 * connection that really closes, no byte at a Pod, and a service that goes on.
 */
export async function expectRefused(
  { pods, client: dial }: Scene,
  request: string | Buffer,
  failure: Failure = 'bad_request',
): Promise<Answer> {
  const before = totalOf(pods);
  const client = await dial();
  const answer = await client.exchange(request, 'GET');
  expectProblem(answer, failure, false);
  expect(value(answer, 'connection')).toBe('close');
  expect(await client.closed()).toBe('fin');
  expect(client.rest.length, 'bytes after the refusal').toBe(0);
  expect(totalOf(pods) - before, 'bytes at the Pods').toBe(0);
  client.destroy();
  return answer;
}

/** The next request on a kept connection gets its own answer, unharmed. */
export async function expectUnharmed(client: RawClient, target = '/unharmed'): Promise<void> {
  const answer = await client.exchange(`GET ${target} HTTP/1.1\r\nHost: next.example\r\n\r\n`);
  expect(answer.status).toBe(200);
  expect(answer.body.toString('latin1')).toBe(target);
}

/** Nothing that reached a Pod was other than a canonical request. */
export function expectCanonical(pods: readonly RawPod[]): void {
  expect(pods.flatMap((pod) => pod.violations)).toEqual([]);
}

/** A request from lines: `lines('GET / HTTP/1.1', 'Host: a')`, body after. */
export function lines(...head: string[]): string {
  return `${head.join('\r\n')}\r\n\r\n`;
}
