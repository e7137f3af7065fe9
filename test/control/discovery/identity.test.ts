import { describe, expect, it } from 'vitest';
import {
  choosePtr,
  identityOf,
  isUsableAddress,
  member,
  ordinalOf,
} from '../../../src/control/discovery/questions/identity.ts';
import { reverseName } from '../../../src/control/discovery/wire/reverse-name.ts';
import { reverseName as publishedReverseName } from '../../../src/demo/dns-wire.ts';

describe('D23 ordinals', () => {
  it.each([
    ['db-0', 0],
    ['db-12', 12],
    ['my-db-3', 3],
    ['10-0-0-5', -1],
    ['ip-10-0-0-5', -1],
    ['5678-abcd--1', -1],
    ['fd00--1', -1],
    ['db-01', -1],
    ['db-', -1],
    ['-1', -1],
    ['db', -1],
    ['db0', -1],
    ['web-7d4b9c6f5-x2x9z', -1],
    ['db--1', -1],
    ['db-4294967296', -1],
    ['db-99999999999999999999', -1],
  ])('%s has %i', (label, ordinal) => expect(ordinalOf(label, null)).toBe(ordinal));

  it('belong to the named StatefulSet alone where it is known', () => {
    expect(ordinalOf('db-1', 'db')).toBe(1);
    expect(ordinalOf('other-1', 'db')).toBe(-1);
    expect(ordinalOf('db-x-1', 'db')).toBe(-1);
    // DNS names are read in lower case.
    expect(ordinalOf('db-1', 'DB')).toBe(1);
  });
});

describe('identityOf', () => {
  const scope = { services: ['db.prod.svc.cluster.local'], statefulSet: null };

  it('shortens a name under the Service, and no other', () => {
    expect(identityOf('db-0.db.prod.svc.cluster.local', ['10.0.0.1'], scope).name).toBe('db-0');
    expect(identityOf('db-0.other.prod.svc.cluster.local', ['10.0.0.1'], scope).name).toBe(
      'db-0.other.prod.svc.cluster.local',
    );
  });

  it('D23 takes a name made of the address for no name', () => {
    const found = member(
      identityOf('10-0-0-5.db.prod.svc.cluster.local', ['10.0.0.5'], scope),
      ['10.0.0.5'],
      80,
    );
    expect(found).toMatchObject({ name: '10.0.0.5', named: false, ordinal: -1 });
    expect(found.dnsName).toBe('10-0-0-5.db.prod.svc.cluster.local');
  });

  it('puts IPv4 first and drops doubles (D02)', () => {
    const addresses = ['fd00::1', '10.0.0.2', '10.0.0.1', '10.0.0.2'];
    expect(member(identityOf('db-0.x', addresses, scope), addresses, 80).addresses).toEqual([
      '10.0.0.1',
      '10.0.0.2',
      'fd00::1',
    ]);
  });
});

describe('choosePtr', () => {
  const service = 'db.prod.svc.cluster.local';
  it('takes the name under the own Service, whatever the order', () => {
    const names = ['db-0.other.prod.svc.cluster.local', `db-0.${service}`, 'a.example'];
    expect(choosePtr(names, [service])).toBe(`db-0.${service}`);
    expect(choosePtr(names.toReversed(), [service])).toBe(`db-0.${service}`);
  });
  it('of strangers it takes the first of the alphabet, so that a shuffled answer is no change', () => {
    const names = ['c.example', 'a.example', 'b.example'];
    expect([choosePtr(names, [service]), choosePtr(names.toReversed(), [service])]).toEqual([
      'a.example',
      'a.example',
    ]);
  });
  it('takes a hostname before a name made of the address', () => {
    expect(choosePtr([`10-0-0-5.${service}`, `db-0.${service}`], [service])).toBe(`db-0.${service}`);
  });
  it('does not take notdb.… for a name under db', () => {
    expect(choosePtr([`x.not${service}`, `y.${service}`], [service])).toBe(`y.${service}`);
  });
  it('finds none in none', () => expect(choosePtr(['', ''], [service])).toBeNull());
});

it('reverse names agree with those that the DNS server publishes', () => {
  for (const address of ['10.0.0.5', '::', '::1', 'fd00::1:0:0:2', '1:2:3:4:5:6:7:8'])
    expect(reverseName(address)).toBe(publishedReverseName(address));
  expect(reverseName('10.1.2.3')).toBe('3.2.1.10.in-addr.arpa');
});

it('knows addresses that no Pod can have', () => {
  for (const address of ['0.0.0.0', '0.1.2.3', '224.0.0.1', '255.255.255.255', '::', 'ff02::1'])
    expect(isUsableAddress(address), address).toBe(false);
  for (const address of ['10.0.0.1', '127.0.0.1', '::1', 'fd00::1', 'fe80::1'])
    expect(isUsableAddress(address), address).toBe(true);
});
