import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteView, crc32c, parseBytes, showBytes } from '../../src/core/index.ts';

class Damaged extends Error {}
const corrupt = (structure: string, offset: number, what: string) => new Damaged(`${structure}@${offset}: ${what}`);
const over = (bytes: Uint8Array) => new ByteView(bytes, { structure: 'header', offset: 1000, corrupt });

describe('byte view', () => {
  it('reads numbers of both byte orders', () => {
    const view = over(Buffer.from('0102030405060708f0ffffff', 'hex'));
    expect([view.u8(1), view.u16le(0), view.u16be(0)]).toEqual([2, 0x0201, 0x0102]);
    expect([view.u32le(0), view.u32be(0), view.i32le(8)]).toEqual([0x04030201, 0x01020304, -16]);
    expect(view.big64be(0)).toBe(0x0102030405060708n);
    expect(over(Buffer.from('ffffffffffff1f00', 'hex')).u64le(0)).toBe(2 ** 53 - 1);
  });

  it('names structure and place of what is not there', () => {
    expect(() => over(Buffer.alloc(10)).u32le(7)).toThrow('header@1007: 4 bytes are needed where 3 are left');
    expect(() => over(Buffer.alloc(10)).view(4, 4, 'entry').u8(4)).toThrow('entry@1008');
    expect(() => over(Buffer.from('0000000000002000', 'hex')).u64le(0)).toThrow('beyond every disk');
  });

  it('never gives anything but its own bytes', () => {
    const around = Buffer.alloc(300, 0xee);
    fc.assert(
      fc.property(fc.integer({ min: -10, max: 120 }), fc.integer({ min: -5, max: 120 }), (at, length) => {
        const view = over(around.subarray(100, 200).fill(1));
        try {
          expect(view.slice(at, length).every((byte) => byte === 1)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(Damaged);
          expect(at < 0 || length < 0 || at + length > 100).toBe(true);
        }
      }),
    );
  });
});

describe('crc32c', () => {
  it('gives the values of RFC 3720 B.4', () => {
    const whole = (bytes: Uint8Array) => ~crc32c(0xffffffff, bytes) >>> 0;
    expect(whole(Buffer.alloc(32))).toBe(0x8a9136aa);
    expect(whole(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
    expect(whole(Buffer.from(Array.from({ length: 32 }, (_, i) => i)))).toBe(0x46dd794e);
    expect(whole(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(whole(Buffer.from('123456789'))).not.toBe(crc32('123456789'));
  });

  it('is the same in pieces', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 100 }), (a, b) => {
        expect(crc32c(crc32c(1, a), b)).toBe(crc32c(1, Buffer.concat([a, b])));
      }),
    );
  });
});

describe('names of bytes', () => {
  it.each([
    ['plain.txt', 'plain.txt'],
    ['grün', 'grün'],
    ['a\\b', 'a\\\\b'],
    ['\x1b[31m', '\\x1b[31m'],
    ['a\u202eb', 'a\\xe2\\x80\\xaeb'],
  ])('%j is shown as %j', (text, shown) => expect(showBytes(Buffer.from(text))).toBe(shown));

  it('shows what is not UTF-8 in hexadecimal, and nothing else', () => {
    expect(showBytes(Buffer.from([0x61, 0xff, 0xc3, 0xa4, 0xc3]))).toBe('a\\xffä\\xc3');
  });

  it('names its bytes exactly', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(parseBytes(showBytes(bytes)).equals(Buffer.from(bytes))).toBe(true);
      }),
    );
  });
});
