import { machineMs } from '../monotonic.ts';
import type { Got } from './connection.ts';
import type { Operation } from './operation.ts';
import { fieldOf } from './response-parser.ts';

/** Ends an operation by what its client got. */
export function judge(operation: Operation, got: Got): void {
  operation.endMs = machineMs();
  const { answer, end } = got;
  if (answer === null) {
    operation.detail = end;
    operation.outcome = end === 'refused' ? 'fail' : 'unknown';
    return;
  }
  const { status, head } = answer;
  const failure = fieldOf(head, 'x-headroute-failure');
  operation.detail = failure === null ? String(status) : `${status} ${failure}`;
  if (!answer.whole) {
    operation.detail += `, cut by ${end}`;
    return;
  }
  if (failure !== null) {
    const sent = fieldOf(head, 'x-headroute-sent');
    operation.detail += `, sent ${sent}`;
    operation.outcome = sent === 'false' ? 'fail' : 'unknown';
  } else if (status === 421) operation.outcome = 'fail';
  else if (status === 200) succeeded(operation, answer.body, head);
  else operation.wrong = `an answer that no Pod gives: ${head.slice(0, 200)}`;
}

function succeeded(operation: Operation, body: Buffer, head: string): void {
  const lineEnd = body.indexOf(10);
  let told: { id?: string; value?: string | null; pod?: string; paddingBytes?: number } = {};
  try {
    told = JSON.parse(body.toString('utf8', 0, Math.max(0, lineEnd)));
  } catch {
    // Told below, by the missing id.
  }
  const padding = body.subarray(lineEnd + 1);
  if (told.id !== operation.id)
    operation.wrong = `the answer to ${told.id ?? JSON.stringify(body.toString('latin1', 0, 60))}`;
  else if (padding.length !== told.paddingBytes || !padding.equals(Buffer.alloc(padding.length, told.id)))
    operation.wrong = `${padding.length} bytes of padding of ${told.paddingBytes}, said to be whole`;
  else if (told.pod !== fieldOf(head, 'x-pod')) operation.wrong = `head and body of two Pods`;
  else {
    operation.outcome = 'ok';
    operation.value = told.value ?? null;
  }
}
