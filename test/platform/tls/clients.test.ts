import { expect, it, onTestFinished } from 'vitest';
import { TlsClients } from '../../../src/platform/tls/clients.ts';
import { issue } from '../../helpers/certificates.ts';
import { type LogLine, recordingLogger } from '../../helpers/recording-logger.ts';
import { Secret, tlsOptions } from '../../helpers/tls-files.ts';
import { pause, poll } from '../../helpers/waiting.ts';

const DAY_MS = 86_400_000;
const ca = issue({ name: 'CA', isCa: true });
const first = issue({ name: 'first', signer: ca });
const second = issue({ name: 'second', signer: ca });

function watched() {
  const secret = new Secret();
  secret.swap({ 'ca.crt': ca.cert, 'tls.crt': first.cert, 'tls.key': first.key });
  const lines: LogLine[] = [];
  const logger = recordingLogger(lines);
  const reloads: boolean[] = [];
  const clients = new TlsClients({ logger, onReload: (ok) => reloads.push(ok) });
  const { files } = secret;
  const options = tlsOptions({
    ca: files.path('ca.crt'),
    cert: files.path('tls.crt'),
    key: files.path('tls.key'),
  });
  onTestFinished(() => {
    clients.close();
    files.remove();
  });
  return { secret, clients, client: clients.of(options), options, reloads, lines };
}

it('a swapped Secret takes effect, once', async () => {
  const { secret, client, reloads } = watched();
  const before = client.inForce;
  secret.swap({ 'ca.crt': ca.cert, 'tls.crt': second.cert, 'tls.key': second.key });
  await poll(() => client.inForce !== before, 'the new certificate');
  const after = client.inForce;
  await pause(150);
  expect(client.inForce).toBe(after);
  expect(client.problem).toBeNull();
  expect(reloads).toEqual([true]);
});

it.each<[what: string, content: Record<string, string>, problem: string]>([
  [
    'a half-written pair',
    { 'tls.crt': second.cert, 'tls.key': first.key },
    'does not belong to the certificate',
  ],
  ['an expired one', expiredPair(), 'has expired on'],
  ['a file that is gone', { 'tls.crt': second.cert }, 'tls.key is not there'],
  ['garbage', { 'tls.crt': 'x', 'tls.key': second.key }, 'has no certificate in it'],
])(
  '%s changes nothing, is logged and counted once, and what is well afterwards takes effect',
  async (_, content, problem) => {
    const { secret, client, reloads, lines } = watched();
    const before = client.inForce;
    secret.swap({ 'ca.crt': ca.cert, ...content });
    await poll(() => reloads.length > 0, 'it to be found');
    await pause(150);
    expect(reloads).toEqual([false]);
    expect(client.inForce).toBe(before);
    expect(client.problem).toContain(problem);
    const warnings = lines.filter(({ level }) => level === 'warn');
    expect(warnings).toEqual([
      expect.objectContaining({ message: 'the certificates on disk cannot be used; those in force stay' }),
    ]);
    secret.swap({ 'ca.crt': ca.cert, 'tls.crt': second.cert, 'tls.key': second.key });
    await poll(() => client.inForce !== before, 'the new certificate');
    expect(client.problem).toBeNull();
    expect(reloads).toEqual([false, true]);
  },
);

it('equal options are one client; what is no longer in use is not watched', async () => {
  const { secret, clients, client, options, reloads } = watched();
  expect(clients.of({ ...options })).toBe(client);
  clients.use([]);
  const before = client.inForce;
  secret.swap({ 'ca.crt': ca.cert, 'tls.crt': second.cert, 'tls.key': second.key });
  await pause(200);
  expect(client.inForce).toBe(before);
  expect(reloads).toEqual([]);
});

it('whoever verifies less is told of', () => {
  const lines: LogLine[] = [];
  const clients = new TlsClients({ logger: recordingLogger(lines) });
  onTestFinished(() => clients.close());
  clients.use([tlsOptions({ verify: 'None' }), tlsOptions({ verify: 'Chain' }), tlsOptions()]);
  expect(lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
    'warn who answers for the Pods is not verified at all',
    'warn the names of Pods are not verified',
  ]);
});

function expiredPair(): Record<string, string> {
  const { cert, key } = issue({
    name: 'old',
    signer: ca,
    fromMs: Date.now() - 2 * DAY_MS,
    untilMs: Date.now() - DAY_MS,
  });
  return { 'tls.crt': cert, 'tls.key': key };
}
