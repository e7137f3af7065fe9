/** `leader.type: Sentinel` with Sentinels behind real sockets; the Pods' answers to probes are made up. */
import { describe, expect, it } from 'vitest';
import { pause, poll } from '../../helpers/waiting.ts';
import { A, B, claimant, follower } from '../harness.ts';
import { AT_A, AT_B, MASTER, type SentinelWorld, sentinelWorld } from './sentinel-world.ts';

/** A Pod whose claim shows the history `id`, that goes on from `previous`. */
function claims(id: string, previous?: string) {
  return claimant({ lineage: previous === undefined ? [id] : [id, previous] });
}

/** Two masters whose histories say nothing of each other. */
const TWO = { a: claims('a', 'x'), b: claims('b', 'y') };

async function begins(w: SentinelWorld, channel = '+elected-leader', sentinel = 0): Promise<void> {
  const event =
    channel === '+selected-slave'
      ? `slave 10.0.0.2:80 10.0.0.2 80 @ ${MASTER} ${AT_A}`
      : `master ${MASTER} ${AT_A}`;
  w.sentinels[sentinel]!.publish(channel, event);
  await w.until('none');
}

describe('whom a majority names', () => {
  it('of two masters the one that a majority names leads', async () => {
    const w = await sentinelWorld([AT_B, AT_B, AT_A], TWO);
    await w.until('db-1');
    expect(w.leadership().reason).toBe('db-1 claims to lead; db-0 claims too but is not named');
    const shown = '2 of 3 Sentinels name db-1 (sentinel-2 names db-0)';
    await poll(
      () => w.shown() === shown,
      () => `${shown}, not ${w.shown()}`,
    );
  });

  it('of two masters nobody leads where Sentinels do not agree, and each one is quoted', async () => {
    const w = await sentinelWorld([AT_A, AT_B, null], TWO);
    await w.told('no majority of 3 Sentinels');
    await w.told('sentinel-0 names db-0; sentinel-1 names db-1; sentinel-2: does not know mymaster');
    expect(w.leads()).toBe('conflict');
  });

  it('half of them is no majority', async () => {
    const w = await sentinelWorld([AT_A, null], TWO);
    await w.told('no majority of 2 Sentinels names a master (sentinel-0 names db-0; sentinel-1:');
    expect(w.leads()).toBe('conflict');
  });

  it('one that hangs counts among those that do not agree', async () => {
    const w = await sentinelWorld([AT_A, AT_A, AT_B], TWO);
    await w.until('db-0');
    w.sentinels[1]!.hangs = true;
    await w.until('conflict');
    await w.told('sentinel-1: no answer within 500ms');
  });

  it('one that has left DNS does not count any more', async () => {
    const w = await sentinelWorld([AT_A, null], TWO);
    await w.told('no majority');
    w.present([w.sentinels[0]!]);
    await w.until('db-0');
  });

  it('the successor leads though a majority still names the old master (0.9 to 1.1 s with real ones)', async () => {
    const w = await sentinelWorld([AT_A, AT_A, AT_A], { a: claims('a'), b: follower() });
    await w.until('db-0');
    w.pods.set(B, claims('b', 'a'));
    await w.until('db-1');
  });

  it('an old master that stands alone does not lead while a majority names another Pod that is silent', async () => {
    const w = await sentinelWorld([AT_A, AT_A, AT_A], { a: claims('a'), b: follower() });
    await w.until('db-0');
    w.pods.set(B, claimant({ leader: 'timeout' }));
    await pause(700);
    for (const sentinel of w.sentinels) sentinel.names = AT_B;
    await w.told('db-0 claims, but db-1, which is named, has not said that it does not lead');
    await w.told('3 of 3 Sentinels name db-1');
    w.pods.set(B, follower());
    await w.until('db-0');
  });

  it('names that Sentinels announce are understood', async () => {
    const host = 'DB-1.db.prod.svc.cluster.local.';
    const w = await sentinelWorld([`${host} 80`], TWO);
    await w.until('db-1');
  });
});

describe('a failover that is announced', () => {
  it.each(['+elected-leader', '+failover-state-select-slave', '+selected-slave'])(
    '%s: nobody leads at once, though the master claims, and the reason is told',
    async (channel) => {
      const w = await sentinelWorld([AT_A, AT_A, AT_A]);
      await w.until('db-0');
      await w.listening();
      const { id } = w.leadership().leader!;
      await begins(w, channel, 1);
      expect(w.leadership()).toMatchObject({
        reason: 'Sentinel mymaster is failing over from db-0',
        yielding: id,
        claimants: ['db-0'],
      });
      await pause(500);
      expect(w.leads()).toBe('none');
    },
  );

  it('the promoted one leads as soon as it claims, and the old master is not believed though it claims on', async () => {
    const w = await sentinelWorld([AT_A, AT_A, AT_A]);
    await w.until('db-0');
    await w.listening();
    await begins(w);
    w.pods.set(B, claimant());
    await w.until('db-1');
    expect(w.leadership().claimants).toEqual(['db-0', 'db-1']);
    expect(w.leadership().yielding).toBeUndefined();
    for (const sentinel of w.sentinels) {
      sentinel.names = AT_B;
      sentinel.publish('+switch-master', `${MASTER} ${AT_A} ${AT_B}`);
    }
    await pause(500);
    expect(w.leads()).toBe('db-1');
  });

  it.each(['no-good-slave', 'not-elected', 'slave-timeout'])(
    '-failover-abort-%s gives the lead back, to the same reign',
    async (why) => {
      const w = await sentinelWorld([AT_A, AT_A, AT_A]);
      await w.until('db-0');
      await w.listening();
      const { reign } = w.leadership();
      await begins(w);
      w.sentinels[0]!.publish(`-failover-abort-${why}`, `master ${MASTER} ${AT_A}`);
      await w.until('db-0');
      expect(w.leadership().reign).toBe(reign);
    },
  );

  it('goes on through a reload that replaces whoever listens, and ends by what the next one hears', async () => {
    const w = await sentinelWorld([AT_A, AT_A, AT_A]);
    await w.until('db-0');
    await w.listening();
    const { id } = w.leadership().leader!;
    await begins(w);
    const { heard } = w.sentinels[0]!;
    const before = heard.length;
    w.reload(150);
    await poll(() => heard.length > before + 1, 'the next one asks and listens');
    await pause(500);
    expect(w.leadership()).toMatchObject({ state: 'none', yielding: id });
    await w.listening();
    w.sentinels[0]!.publish('-failover-abort-not-elected', `master ${MASTER} ${AT_A}`);
    await w.until('db-0');
  });

  it('that another Sentinel was not elected ends nothing', async () => {
    const w = await sentinelWorld([AT_A, AT_A, AT_A]);
    await w.until('db-0');
    await w.listening();
    await begins(w);
    w.sentinels[1]!.publish('-failover-abort-not-elected', `master ${MASTER} ${AT_A}`);
    await pause(200);
    expect(w.leads()).toBe('none');
  });

  it('of another master, or what comes after a promotion, changes nothing', async () => {
    const w = await sentinelWorld([AT_A, AT_A, AT_A]);
    await w.until('db-0');
    await w.listening();
    const [sentinel] = w.sentinels;
    sentinel!.publish('+elected-leader', `master other ${AT_A}`);
    sentinel!.publish('+selected-slave', `slave 10.0.0.2:80 10.0.0.2 80 @ other ${AT_A}`);
    sentinel!.publish('+failover-state-reconf-slaves', `master ${MASTER} ${AT_A}`);
    sentinel!.publish('+switch-master', 'half of one');
    await pause(200);
    expect(w.leads()).toBe('db-0');
  });

  it('a Pod that was never promoted does not take the lead meanwhile', async () => {
    const w = await sentinelWorld([AT_A, AT_A, AT_A], { a: claims('a'), b: follower() });
    await w.until('db-0');
    await w.listening();
    await begins(w);
    w.pods.set(B, claims('empty'));
    await w.told('db-1 claims but was never promoted');
    w.pods.set(B, claims('b', 'a'));
    await w.until('db-1');
  });

  it('of a master at an address that is no Pod’s, the Pod that leads is meant', async () => {
    const w = await sentinelWorld(['192.0.2.1 6379']);
    await w.until('db-0');
    await w.listening();
    w.sentinels[0]!.publish('+elected-leader', `master ${MASTER} 192.0.2.1 6379`);
    await w.until('none');
    expect(w.leadership().reason).toBe(
      "Sentinel mymaster is failing over from 192.0.2.1:6379, which is no Pod's",
    );
  });
});

describe('Sentinels that do not do their part', () => {
  it('they all vanish: whoever leads goes on, and is replaced as by its probe alone', async () => {
    const w = await sentinelWorld([AT_A, AT_A, AT_A], { a: claims('a'), b: follower() });
    await w.until('db-0');
    await w.listening();
    for (const sentinel of w.sentinels) await sentinel.stop();
    await pause(1200);
    expect(w.leads()).toBe('db-0');
    w.pods.set(A, follower());
    await w.told('no majority of 3 Sentinels names a master (sentinel-0: connection refused');
    w.pods.set(B, claims('b', 'a'));
    await w.until('db-1');
  });

  it('none is there from the start: the probe decides', async () => {
    const w = await sentinelWorld([]);
    await w.until('db-0');
    w.pods.set(A, follower());
    await w.told('no Pod claims to lead; no Sentinel is known');
  });

  it('they restart: each is listened to again, and its word counts', async () => {
    const w = await sentinelWorld([AT_A, AT_A, AT_A]);
    await w.until('db-0');
    await w.listening();
    for (const sentinel of w.sentinels) await sentinel.restart();
    expect(w.leads()).toBe('db-0');
    await w.listening();
    await begins(w, '+elected-leader', 2);
    const lines = w.log.filter(({ message }) => message === 'a Sentinel cannot be listened to');
    expect(lines.map(({ level, sentinel }) => `${level} ${sentinel}`).sort()).toEqual([
      'warn sentinel-0',
      'warn sentinel-1',
      'warn sentinel-2',
    ]);
  });

  it('redis#13335: a majority names a dead master for good, and whoever succeeded it leads', async () => {
    const w = await sentinelWorld([AT_A, AT_A, AT_A], { a: claims('a'), b: follower() });
    await w.until('db-0');
    w.pods.set(A, claimant({ leader: 'timeout' }));
    w.pods.set(B, claims('b', 'a'));
    await w.until('db-1');
    await pause(1500);
    expect(w.leads()).toBe('db-1');
  });

  it('redis#13335: a majority names an address that is no Pod’s for good, and the probe decides', async () => {
    const w = await sentinelWorld(['192.0.2.1 6379', '192.0.2.1 6379', '192.0.2.1 6379']);
    await w.until('db-0');
    w.pods.set(A, follower());
    await w.told("no Pod claims to lead; 3 of 3 Sentinels name 192.0.2.1:6379, which is no Pod's");
    w.pods.set(B, claimant());
    await w.until('db-1');
  });

  it('redis#1813: the old master is back with its data beside the new one, and the named one goes on', async () => {
    const w = await sentinelWorld([AT_B, AT_B, AT_A], { a: follower(), b: claims('b', 'a') });
    await w.until('db-1');
    w.pods.set(A, claims('a2', 'a'));
    await pause(500);
    expect(w.leads()).toBe('db-1');
    for (const sentinel of w.sentinels) await sentinel.stop();
    await w.until('conflict');
  });

  it('what is no RESP is given up, told, and tried again', async () => {
    const w = await sentinelWorld([AT_A]);
    await w.until('db-0');
    await w.listening();
    w.sentinels[0]!.send('HTTP/1.1 400 Bad Request\r\n');
    await poll(() => w.log.some(({ error }) => error === 'the answer is not RESP'), 'the warning');
    const { heard } = w.sentinels[0]!;
    const tries = () => heard.filter((command) => command.startsWith('PSUBSCRIBE')).length;
    await poll(() => tries() === 2, 'another try');
    await w.listening();
    await begins(w);
  });
});

describe('auth', () => {
  it('is sent on both connections', async () => {
    const auth = { username: null, password: 's3cret' };
    const w = await sentinelWorld([AT_A, AT_A], { ...TWO, auth, password: 's3cret' });
    await w.until('db-0');
    await w.listening();
    await begins(w);
    expect(w.sentinels[0]!.heard.filter((command) => command === 'AUTH s3cret').length).toBeGreaterThan(1);
  });

  it('a wrong password is told, and not shown', async () => {
    const auth = { username: 'app', password: 's3cret' };
    const w = await sentinelWorld([AT_A], { ...TWO, auth, password: 'other' });
    await w.told('sentinel-0: answers NOAUTH Authentication required.');
    expect(w.sentinels[0]!.heard).toContain('AUTH app s3cret');
    await poll(() => w.log.some(({ level }) => level === 'warn'), 'a warning');
    expect(JSON.stringify(w.log)).not.toContain('s3cret');
  });

  it('a Sentinel without a password serves whoever gives one', async () => {
    const auth = { username: null, password: 's3cret' };
    const w = await sentinelWorld([AT_A], { ...TWO, auth });
    await w.until('db-0');
    await w.listening();
    await begins(w);
  });
});
