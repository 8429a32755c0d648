import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { pause, silentLog } from '../../../src/core/index.ts';
import { openImage } from '../../../src/disk/image/open.ts';
import { openDisk } from '../../../src/disk/index.ts';
import type { NbdAddress } from '../../../src/disk/nbd/address.ts';
import { exportChain } from '../../../src/disk/nbd/export.ts';
import { type NbdOptions, NbdSource } from '../../../src/disk/nbd/source.ts';
import type { BlockSource } from '../../../src/disk/source/source.ts';
import { isGvmError } from '../../../src/errors/index.ts';
import { findTool } from '../../../src/process/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'gvm-nbds-'));
const at = (name: string) => join(folder, name);
const MIB = 2 ** 20;
const root = process.getuid?.() === 0;
const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null)
      await new Promise((resolve) => child.once('exit', resolve));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Every byte of a source, read in pieces at once. */
async function whole(source: BlockSource, piece = 300_000): Promise<Buffer> {
  const starts = Array.from({ length: Math.ceil(source.size / piece) }, (_, i) => i * piece);
  return Buffer.concat(await Promise.all(starts.map((from) => source.read(from, Math.min(piece, source.size - from)))));
}

describe('qemu-nbd', () => {
  const qemuImg = (...args: string[]) => execFileSync('qemu-img', args, { cwd: folder, stdio: 'pipe' }).toString();
  let expected: Buffer;
  beforeAll(() => {
    chmodSync(folder, 0o700);
    writeFileSync(at('base.raw'), Buffer.alloc(8 * MIB).fill('base', 3 * MIB, 5 * MIB));
    qemuImg('create', '-f', 'qcow2', '-b', 'base.raw', '-F', 'raw', 'middle.qcow2', '12M');
    qemuImg('create', '-f', 'qcow2', '-b', 'middle.qcow2', '-F', 'qcow2', 'top.qcow2');
    const write = (image: string, ...commands: string[]) =>
      execFileSync('qemu-io', ['-f', 'qcow2', ...commands.flatMap((c) => ['-c', c]), at(image)], { stdio: 'pipe' });
    write('middle.qcow2', 'write -P 77 4M 1M', 'write -P 78 11M 64k');
    write('top.qcow2', 'write -P 99 4608k 256k', 'write -z 3M 128k');
    qemuImg('convert', '-f', 'qcow2', '-O', 'raw', 'top.qcow2', 'flat.raw');
    expected = readFileSync(at('flat.raw'));
  });

  const open = async (image = 'top.qcow2') => exportChain(await openImage(at(image)), { log: silentLog });
  const socketOf = ({ address }: { address: NbdAddress }) => ('path' in address.socket ? address.socket.path : '');
  const servers = () =>
    readdirSync('/proc').filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/cmdline`).includes('qemu-nbd\0--read-only') &&
          readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[1] === String(process.pid)
        );
      } catch {
        return false;
      }
    });

  it('exports a chain of three layers as qemu-img reads it, over several connections', async () => {
    await using server = await open();
    await using source = await NbdSource.connect(server.address);
    expect(source.connections).toBe(4);
    expect((await whole(source)).equals(expected)).toBe(true);
  });

  it('says of each byte what qemu-img map says', async () => {
    await using server = await open();
    const contexts = ['base:allocation', 'qemu:allocation-depth'];
    await using source = await NbdSource.connect(server.address, { contexts });
    const map: { start: number; length: number; depth: number; zero: boolean; present: boolean }[] = JSON.parse(
      qemuImg('map', '--output=json', '-f', 'qcow2', 'top.qcow2'),
    );
    let index = 0;
    for await (const { offset, length, values } of source.blockStatus(0, source.size)) {
      while (offset >= (map[index]?.start ?? 0) + (map[index]?.length ?? 0)) index++;
      const there = map[index];
      expect(offset + length, `at ${offset}`).toBeLessThanOrEqual((there?.start ?? 0) + (there?.length ?? 0));
      expect(((values.get('base:allocation') ?? 0) & 2) !== 0, `at ${offset}`).toBe(there?.zero);
      const depth = values.get('qemu:allocation-depth') ?? -1;
      if (there?.present && depth > 0) expect(depth - 1).toBe(there.depth);
    }
  });

  it('tells what was written since a bitmap was made', async () => {
    qemuImg('create', '-f', 'qcow2', 'marked.qcow2', '8M');
    const write = (command: string) => execFileSync('qemu-io', ['-f', 'qcow2', '-c', command, at('marked.qcow2')]);
    write('write 0 1M');
    qemuImg('bitmap', '--add', '-g', '65536', 'marked.qcow2', 'since');
    for (const command of ['write 512k 100k', 'write -z 3M 64k', 'discard 6M 128k']) write(command);
    const chain = await openImage(at('marked.qcow2'));
    await using server = await exportChain(chain, { log: silentLog, bitmaps: ['since'] });
    const context = 'qemu:dirty-bitmap:since';
    await using source = await NbdSource.connect(server.address, { contexts: ['base:allocation', context] });
    const dirty: [number, number][] = [];
    for await (const { offset, length, values } of source.blockStatus(0, source.size)) {
      if (((values.get(context) ?? 0) & 1) === 0) continue;
      const last = dirty.at(-1);
      if (last && last[0] + last[1] === offset) last[1] += length;
      else dirty.push([offset, length]);
    }
    const [kib, mib] = [1024, MIB];
    expect(dirty).toEqual([
      [512 * kib, 128 * kib],
      [3 * mib, 64 * kib],
      [6 * mib, 128 * kib],
    ]);
  });

  it.runIf(root)('runs as nobody behind folders that only root may enter, and leaves nothing', async () => {
    const server = await open();
    const [pid] = servers();
    expect(servers()).toHaveLength(1);
    expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(
      /^Uid:\t65534\t65534[\s\S]*^CapEff:\t0+$[\s\S]*^NoNewPrivs:\t1/m,
    );
    const inner = dirname(socketOf(server));
    expect([statSync(inner).mode & 0o777, statSync(inner).uid]).toEqual([0o700, 65534]);
    expect([statSync(dirname(inner)).mode & 0o777, statSync(dirname(inner)).uid]).toEqual([0o700, 0]);
    await server[Symbol.asyncDispose]();
    expect(servers()).toEqual([]);
    expect(existsSync(dirname(inner))).toBe(false);
  });

  it.runIf(root)('reads what nobody may not, with that one power', async () => {
    chmodSync(at('base.raw'), 0o600);
    try {
      await using server = await open();
      const [pid] = servers();
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      expect(status).toMatch(/^Uid:\t0\t[\s\S]*^CapEff:\t0*4$/m);
      await using source = await NbdSource.connect(server.address);
      expect((await source.read(3 * MIB + 200_000, 4)).toString()).toBe('base');
    } finally {
      chmodSync(at('base.raw'), 0o644);
    }
  });
});

describe('nbdkit', () => {
  const plain = Buffer.from(Uint8Array.from({ length: 3 * MIB }, (_, i) => (i * 31 + (i >> 12)) % 251));
  let count = 0;
  beforeAll(() => writeFileSync(at('disk.raw'), plain));

  async function nbdkit(args: string[]): Promise<string> {
    const socket = at(`k${count++}`);
    const ready = `${socket}.pid`;
    const child = spawn(
      findTool('nbdkit') ?? 'nbdkit',
      ['--foreground', '--exit-with-parent', '--unix', socket, '--pidfile', ready, ...args],
      {
        stdio: 'ignore',
      },
    );
    children.push(child);
    // Unlike the socket it is there only when nbdkit listens.
    while (!existsSync(ready)) {
      if (child.exitCode !== null) throw new Error(`nbdkit ended with ${child.exitCode}`);
      await pause(5);
    }
    return socket;
  }
  const connect = (path: string, options: NbdOptions = {}) =>
    NbdSource.connect({ socket: { path }, export: '', tls: false }, options);

  it.each([
    ['as it is', []],
    ['without structured replies', ['--no-sr']],
    ['with one connection', ['--filter=multi-conn', 'multi-conn-mode=disable']],
    ['without block status', ['--filter=noextents']],
    [
      'with blocks of 4096 bytes and reads of 64 KiB',
      [
        '--filter=blocksize-policy',
        'blocksize-minimum=4096',
        'blocksize-maximum=65536',
        'blocksize-error-policy=error',
      ],
    ],
  ])('gives all its bytes %s', async (_, args) => {
    const filters = args.filter((arg) => arg.startsWith('--'));
    const values = args.filter((arg) => !arg.startsWith('--'));
    await using source = await connect(await nbdkit([...filters, 'file', at('disk.raw'), ...values]));
    expect((await whole(source, 100_001)).equals(plain)).toBe(true);
  });

  it('that fails now and then fails those reads with its error, and no others', async () => {
    const socket = await nbdkit(['--filter=error', 'file', at('disk.raw'), 'error-pread=EIO', 'error-pread-rate=30%']);
    await using source = await connect(socket);
    let [good, bad] = [0, 0];
    for (let i = 0; i < 60; i++) {
      try {
        expect((await source.read(i * 1000, 500)).equals(plain.subarray(i * 1000, i * 1000 + 500))).toBe(true);
        good++;
      } catch (error) {
        if (!isGvmError(error)) throw error;
        expect(error).toMatchObject({ code: 'nbd-failed', details: { errno: 'EIO', offset: i * 1000 } });
        bad++;
      }
    }
    expect(Math.min(good, bad)).toBeGreaterThan(3);
  });

  it('that is slow is asked for many things at once', async () => {
    const socket = await nbdkit(['--filter=delay', 'file', at('disk.raw'), 'delay-read=100ms']);
    await using source = await connect(socket);
    const begun = performance.now();
    await Promise.all(Array.from({ length: 16 }, (_, i) => source.read(i * 100_000, 10)));
    expect(performance.now() - begun).toBeLessThan(1000);
  });

  it('is reached by TCP', async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => probe.once('listening', resolve));
    const { port } = probe.address() as { port: number };
    await new Promise((resolve) => probe.close(resolve));
    const child = spawn('nbdkit', [
      '-f',
      '--exit-with-parent',
      '-i',
      '127.0.0.1',
      '-p',
      String(port),
      'file',
      at('disk.raw'),
    ]);
    children.push(child);
    const address = { socket: { host: '127.0.0.1', port }, export: '', tls: false };
    let source: NbdSource | undefined;
    for (let tries = 0; !source && tries < 200; tries++) {
      source = await NbdSource.connect(address).catch(() => undefined);
      if (!source) await pause(10);
    }
    await using opened = source as NbdSource;
    expect((await opened.read(12_345, 100)).equals(plain.subarray(12_345, 12_445))).toBe(true);
  });

  describe('with TLS', () => {
    const pki = at('pki');
    beforeAll(() => {
      mkdirSync(pki);
      const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: pki, stdio: 'pipe' });
      const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout'];
      openssl('req', '-x509', ...key, 'ca-key.pem', '-out', 'ca-cert.pem', '-subj', '/CN=test CA', '-days', '2');
      openssl('req', ...key, 'server-key.pem', '-out', 'server.csr', '-subj', '/CN=localhost');
      writeFileSync(join(pki, 'ext'), 'subjectAltName=DNS:localhost\n');
      const ca = ['-CA', 'ca-cert.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial'];
      openssl('x509', '-req', '-in', 'server.csr', ...ca, '-out', 'server-cert.pem', '-days', '2', '-extfile', 'ext');
      openssl('req', ...key, 'client-key.pem', '-out', 'client.csr', '-subj', '/CN=a client');
      openssl('x509', '-req', '-in', 'client.csr', ...ca, '-out', 'client-cert.pem', '-days', '2');
      mkdirSync(join(pki, 'nobody'));
      writeFileSync(join(pki, 'nobody/ca-cert.pem'), readFileSync(join(pki, 'ca-cert.pem')));
    });

    it('turns to TLS where the server asks for it, and trusts only whom it was told to', async () => {
      const args = ['--tls=require', `--tls-certificates=${pki}`, 'file', at('disk.raw')];
      const socket = await nbdkit(args);
      const ca = readFileSync(join(pki, 'ca-cert.pem'));
      await using source = await connect(socket, { tls: { ca, servername: 'localhost' } });
      expect((await whole(source)).equals(plain)).toBe(true);
      await expect(connect(socket)).rejects.toMatchObject({ code: 'nbd-failed' });
      await expect(connect(socket, { tls: { ca, servername: 'elsewhere' } })).rejects.toThrow(
        /altnames|does not match/i,
      );
    });

    it('takes certificates from the folder that an address names, and shows its own to a server that wants them', async () => {
      const socket = await nbdkit([
        ...['--tls=require', `--tls-certificates=${pki}`, '--tls-verify-peer'],
        ...['file', at('disk.raw')],
      ]);
      const disk = (more: string) => openDisk(`nbds+unix:///?socket=${socket}&${more}`);
      await using opened = await disk(`tls-certificates=${pki}`);
      expect((await opened.source.read(0, 4096)).equals(plain.subarray(0, 4096))).toBe(true);
      await expect(disk(`tls-certificates=${pki}/nobody`)).rejects.toMatchObject({ code: 'nbd-failed' });
      await expect(disk(`tls-certificates=${pki}&tls-hostname=elsewhere`)).rejects.toThrow(/altnames|does not match/i);
      await expect(disk('tls-certificates=/none')).rejects.toMatchObject({ code: 'file-missing' });
    });

    it('refuses a server without TLS where it was asked for', async () => {
      const socket = await nbdkit(['--tls=off', 'file', at('disk.raw')]);
      const refused = NbdSource.connect({ socket: { path: socket }, export: '', tls: true });
      await expect(refused).rejects.toThrow(/it refuses TLS/);
    });
  });
});
