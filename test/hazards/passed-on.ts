import { expect } from 'vitest';
import type { PodRequest } from '../helpers/raw-pod.ts';
import { expectCanonical, type Scene } from '../helpers/scene.ts';

/** The request as it came to the Pod, canonical, after `head` was sent by a new client and answered with 200. */
export async function passedOn(stage: Scene, head: string): Promise<PodRequest> {
  const n = stage.pod.requests.length;
  const client = await stage.client();
  const answer = await client.exchange(head);
  expect(answer.status).toBe(200);
  client.destroy();
  expectCanonical(stage.pods);
  return stage.pod.requests[n]!;
}
