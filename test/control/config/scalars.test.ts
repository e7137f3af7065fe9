import { describe, expect, it } from 'vitest';
import {
  collide,
  isLoopback,
  parseAddress,
  parseNameserver,
} from '../../../src/control/config/grammar/address.ts';
import { isDnsName, parseHostname, parseService } from '../../../src/control/config/grammar/dns-name.ts';
import { formatDuration, parseDuration } from '../../../src/control/config/grammar/duration.ts';
import { parseQuantity } from '../../../src/control/config/grammar/quantity.ts';
import { nearest } from '../../../src/control/config/grammar/suggest.ts';

describe('durations (GEP-2257)', () => {
  it.each([
    ['0s', 0],
    ['250ms', 250],
    ['1h30m', 5_400_000],
    ['1h', 3_600_000],
    ['1m1s1ms', 61_001],
    ['1s1s', 2000],
    ['00010s', 10_000],
    ['99999ms', 99_999],
  ])('%s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each([
    '',
    '10',
    '1.5s',
    '-1s',
    '1d',
    '1 s',
    ' 1s',
    '1s ',
    '100000ms',
    '1h1m1s1ms1s',
    '1us',
    '1S',
    's',
    '1',
    '１s',
  ])('%j is refused', (text) => expect(parseDuration(text)).toBeTypeOf('string'));

  it('says what was meant', () => {
    expect(parseDuration('10')).toContain('10s');
    expect(parseDuration('2d')).toContain('48h');
    expect(parseDuration('0.5s')).toContain('500ms');
  });

  it('is refused where a Node timer would overflow and fire at once', () => {
    expect(parseDuration('596h')).toBe(596 * 3_600_000);
    expect(parseDuration('99999h')).toContain('too long');
  });

  it('is written in its shortest form', () => expect(formatDuration(5_400_250)).toBe('1h30m250ms'));
});

describe('sizes (Kubernetes quantities)', () => {
  it.each([
    ['0', 0],
    ['64Ki', 65_536],
    ['1M', 1_000_000],
    ['16Mi', 16_777_216],
    ['1.5Ki', 1536],
    ['2k', 2000],
  ])('%s is %d bytes', (text, bytes) => expect(parseQuantity(text)).toBe(bytes));

  it.each(['', '-1', '64KB', '64K', '64ki', '1m', '1e3', '0.5', '1 Mi', '9999999Ti'])(
    '%j is refused',
    (text) => expect(parseQuantity(text)).toBeTypeOf('string'),
  );

  it('says what was meant', () => expect(parseQuantity('64KB')).toContain('64Ki'));
});

describe('addresses', () => {
  it.each([
    ['127.0.0.1:8080', { host: '127.0.0.1', port: 8080 }],
    ['[::1]:8080', { host: '::1', port: 8080 }],
    ['[0:0:0:0:0:0:0:1]:1', { host: '::1', port: 1 }],
    [':9180', { host: '', port: 9180 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['Pod.Example:65535', { host: 'pod.example', port: 65_535 }],
  ])('%s', (text, address) => expect(parseAddress(text)).toEqual(address));

  it.each([
    '',
    '8080',
    '127.0.0.1',
    '::1',
    '::1:8080',
    '[::1]',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '127.0.0.1:-1',
    '127.0.0.1:http',
    '256.0.0.1:80',
    '127.1:80',
    '[127.0.0.1]:80',
    'http://127.0.0.1:80',
    'a b:80',
    '127.0.0.1:80/',
    '*:80',
  ])('%j is refused', (text) => expect(parseAddress(text)).toBeTypeOf('string'));

  it('name servers have port 53 by default and no names', () => {
    expect(parseNameserver('10.0.0.1')).toEqual({ host: '10.0.0.1', port: 53 });
    expect(parseNameserver('fd00::a')).toEqual({ host: 'fd00::a', port: 53 });
    expect(parseNameserver('[fd00::a]:5353')).toEqual({ host: 'fd00::a', port: 5353 });
    for (const text of ['dns.local', 'dns.local:53', '10.0.0.1:0', '10.0.0.1:x'])
      expect(parseNameserver(text)).toBeTypeOf('string');
  });

  it('collide only where two sockets certainly do', () => {
    const at = (host: string, port = 80) => ({ host, port });
    expect(collide(at('127.0.0.1'), at('127.0.0.1'))).toBe(true);
    expect(collide(at('127.0.0.1'), at('127.0.0.2'))).toBe(false);
    expect(collide(at('127.0.0.1'), at('127.0.0.1', 81))).toBe(false);
    expect(collide(at(''), at('::1'))).toBe(true);
    expect(collide(at('127.0.0.1'), at('::'))).toBe(true);
    expect(collide(at('0.0.0.0'), at('10.0.0.1'))).toBe(true);
    expect(collide(at('0.0.0.0'), at('::1'))).toBe(false);
    expect(collide(at('', 0), at('', 0))).toBe(false);
  });

  it('know loopback', () => {
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost']) expect(isLoopback(host)).toBe(true);
    for (const host of ['', '0.0.0.0', '::', '10.0.0.1', 'localhost.evil.example', '127.evil.example'])
      expect(isLoopback(host)).toBe(false);
  });
});

describe('names', () => {
  it('of DNS keep to its lengths', () => {
    expect(isDnsName(`${'a'.repeat(63)}.b`)).toBe(true);
    expect(isDnsName(`${'a'.repeat(64)}.b`)).toBe(false);
    expect(isDnsName(Array.from({ length: 128 }, () => 'a').join('.'))).toBe(false);
    for (const bad of ['', '.', 'a..b', '-a', 'a-', 'a b', 'ä.de', '*.a']) expect(isDnsName(bad)).toBe(false);
  });

  it('of services lose their final dot and capitals', () => {
    expect(parseService('Db.Prod.svc.cluster.local.')).toEqual({ name: 'db.prod.svc.cluster.local' });
    for (const bad of ['10.0.0.1', 'fd00::1', 'db.prod:80', 'http://db.prod', 'db..prod', ''])
      expect(parseService(bad)).toBeTypeOf('string');
  });

  it('of hosts may have one wildcard, in front', () => {
    expect(parseHostname('*.Example.com')).toEqual({ name: '*.example.com' });
    for (const bad of ['*', 'a.*.b', '*a.b', 'a.b:80', 'a b', '*.'])
      expect(parseHostname(bad)).toBeTypeOf('string');
  });

  it('are guessed from misspelt ones, and only from near ones', () => {
    const keys = ['backends', 'listeners', 'refresh', 'onConflict'];
    expect(nearest('backend', keys)).toBe('backends');
    expect(nearest('lsiteners', keys)).toBe('listeners');
    expect(nearest('onconflict', keys)).toBe('onConflict');
    expect(nearest('banana', keys)).toBeNull();
    expect(nearest('x', keys)).toBeNull();
  });
});
