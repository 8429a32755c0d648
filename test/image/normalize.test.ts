import { describe, expect, test } from 'vitest';
import { exclusion, rewrites } from '../../src/image/build/normalize.ts';
import { loadRecipe } from '../../src/image/index.ts';

const { recipe } = await loadRecipe(new URL('../../images/openrc.yaml', import.meta.url).pathname);

describe('the image leaves out what differs from build to build', () => {
  const excluded = exclusion(recipe);

  test.each([
    'etc/ssh/ssh_host_ed25519_key',
    'etc/shadow-',
    'etc/apt/apt.conf.d/99mmdebstrap',
    'var/cache/ldconfig/aux-cache',
    'var/lib/dpkg/status-old',
    'var/log/dpkg.log',
    'dev/null',
    'usr/lib/gvm-grub/core.img',
    'usr/share/doc/bash/copyright',
  ])('%s', (path) => expect(excluded(path)).toBe(true));

  test.each(['dev', 'var/log', 'tmp', 'etc/shadow', 'var/lib/dpkg/status', 'etc/ssh/sshd_config'])(
    'but not %s',
    (path) => expect(excluded(path)).toBe(false),
  );
});

describe('the image rewrites', () => {
  const map = rewrites(recipe, 1_700_000_000);

  test('the days in shadow, and lets root in by key', () => {
    const before = 'root:!:20000:0:99999:7:::\nsshd:!:20001::::::\n';
    expect(map.get('etc/shadow')?.('root:!*:1::::::')).toBe('root:!*:19675::::::');
    expect(map.get('etc/shadow')?.(before)).toBe('root:*:19675:0:99999:7:::\nsshd:!:19675::::::\n');
  });

  test('what an edit names, and fails where the text to find is not there once', () => {
    const edit = map.get('usr/lib/rc/sh/gendepends.sh');
    expect(edit?.('#!/bin/sh\n# Shell wrapper to list our dependencies\n')).toContain('_known=');
    expect(() => edit?.('#!/bin/sh\n')).toThrow(
      'expected the text to find exactly once in /usr/lib/rc/sh/gendepends.sh, found it 0 times',
    );
  });
});
