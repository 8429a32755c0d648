import { readdirSync, readFileSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../../../dist', import.meta.url));

/** The files of each parser, as the build has them. */
const parsers: Readonly<Record<string, RegExp>> = {
  gpt: /^disk\/partition\/gpt/,
  dos: /^disk\/partition\/(mbr|table)/,
  qcow2: /^disk\/image\/qcow2/,
  vmdk: /^disk\/(image\/vmdk|source\/(vmdk|mapped))/,
  vhdx: /^disk\/image\/vhdx/,
  vpc: /^disk\/image\/vpc/,
  vdi: /^disk\/image\/vdi/,
  images: /^disk\/image\/(open|backing|format|image-file|layer|registry|signature)\.js/,
  ext: /^disk\/fs\/ext\//,
  xfs: /^disk\/fs\/xfs\//,
  fat: /^disk\/fs\/fat\//,
  btrfs: /^disk\/fs\/btrfs\//,
  squashfs: /^disk\/fs\/squashfs\//,
  iso9660: /^disk\/fs\/iso9660\//,
  lvm: /^disk\/volume\/lvm\//,
  md: /^disk\/volume\/md\//,
  luks: /^disk\/volume\/luks\//,
  stack: /^disk\/(volume\/[^/]+|overlay\/[^/]+|layout|tree|root|device|fstab|content|walk|vfs)\.js/,
  lzma: /^disk\/codec\/(lzma|xz|x86)/,
  lzo: /^disk\/codec\/lzo/,
  lz4: /^disk\/codec\/lz4/,
  zstd: /^disk\/codec\/zstd/,
  cpio: /^disk\/codec\/cpio-read/,
  rpm: /^facts\/rpm\//,
  journal: /^facts\/journal-file\//,
  system:
    /^(inspect\/(?!cache|registry|section\b)|facts\/offline\/(packages|units|services|accounts|init|kernel|disk))/,
};

interface File {
  text: string;
  /** One byte for each character: whether it ever ran. */
  ran: Uint8Array;
}

/** A constant that bounds a reader, and how often code asks for it. */
export interface Bound {
  /** Without its extension. */
  file: string;
  name: string;
  value: string;
  /** Whether what happens at each of its limits ran; empty where it only cuts. */
  limits: boolean[];
}

const CONSTANT = /^(?:export )?const ((?:MOST|LONGEST|LARGEST|DEEPEST|HIGHEST)(?:_\w+)?) = (.*);$/;

/** What ran in the readers, over all workers. */
export class Ran {
  readonly #files = new Map<string, File>();

  /** The bounds of a parser's files. What stands below an `if` that names one is what happens there. */
  bounds(): Bound[] {
    const files = Object.values(parsers).flatMap((own) => everyFile().filter((path) => own.test(path)));
    return [...new Set(files)].flatMap((path) => {
      if (!this.#files.has(path)) this.#files.set(path, openFile(path));
      const lines = this.linesOf(path);
      const limits = (name: string) =>
        lines.flatMap(({ text }, i) =>
          /^(?:else )?if \(/.test(text) && new RegExp(`\\b${name}\\b`).test(text) ? [lines[i + 1]?.ran ?? false] : [],
        );
      return lines.flatMap(({ text }) => {
        const [, name, value = ''] = CONSTANT.exec(text) ?? [];
        return name === undefined ? [] : [{ file: path.replace(/\.js$/, ''), name, value, limits: limits(name) }];
      });
    });
  }

  /** Whether the line that says a text ran. */
  said(file: string, text: string): boolean {
    return this.linesOf(`${file}.js`).some((line) => line.ran && line.text.includes(text));
  }

  add(scripts: readonly Profiler.ScriptCoverage[]): void {
    for (const { url, functions } of scripts) {
      const path = relative(dist, fileURLToPath(url));
      const file = this.#files.get(path) ?? openFile(path);
      this.#files.set(path, file);
      const now = new Uint8Array(file.text.length);
      // Outer ranges come first, and inner ones overrule them.
      for (const { ranges } of functions) {
        for (const range of ranges) now.fill(range.count > 0 ? 1 : 0, range.startOffset, range.endOffset);
      }
      for (let i = 0; i < now.length; i++) file.ran[i] = (file.ran[i] as number) | (now[i] as number);
    }
  }

  /** Lines with code, and those of them that ran. */
  linesOf(path: string): { number: number; text: string; ran: boolean }[] {
    const file = this.#files.get(path);
    if (!file) return [];
    let at = 0;
    // What the compiler puts before a module is not the parser's.
    let own = !file.text.startsWith('var __');
    return file.text.split('\n').flatMap((text, index) => {
      own ||= text.startsWith('import ');
      const from = at + text.length - text.trimStart().length;
      const ran = file.ran.subarray(from, at + text.length).includes(1);
      at += text.length + 1;
      return own && isCode(text) ? [{ number: index + 1, text: text.trim(), ran }] : [];
    });
  }

  /** Each parser's lines, those that ran, and those that did not. */
  byParser(): { parser: string; lines: number; ran: number; missed: string[] }[] {
    return Object.entries(parsers).map(([parser, own]) => {
      const paths = [...this.#files.keys()].filter((path) => own.test(path)).sort();
      const lines = paths.flatMap((path) => this.linesOf(path).map((line) => ({ ...line, path })));
      const missed = lines.filter((line) => !line.ran).map(({ path, number, text }) => `${path}:${number}: ${text}`);
      return { parser, lines: lines.length, ran: lines.length - missed.length, missed };
    });
  }
}

function everyFile(): string[] {
  return readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.js'));
}

function openFile(path: string): File {
  const text = readFileSync(`${dist}/${path}`, 'utf8');
  return { text, ran: new Uint8Array(text.length) };
}

function isCode(line: string): boolean {
  const text = line.trim();
  return /[\w$]/.test(text) && !/^(\/\/|\/\*|\*|export \{|import )/.test(text);
}
