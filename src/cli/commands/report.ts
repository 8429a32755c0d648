import { existsSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { nearest } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import { findTool, run } from '../../process/index.ts';
import { chooseReporters, mergeRuns, readRun, renderSummary } from '../../report/index.ts';
import type { Command, Context } from '../command.ts';
import { writeRun } from '../publish.ts';

const DEFAULT_FOLDER = 'reports';

function usage(message: string, hint: string): GvmError {
  return new GvmError({ code: 'usage', message: `gvm report: ${message}`, hint });
}

/** Makes the HTML of a run where it is missing, says where it is, and opens it for a person who sits at a screen. */
async function show(context: Context, folders: readonly string[]): Promise<number> {
  if (folders.length > 1) throw usage('show takes one folder', 'gvm report merge joins several');
  const folder = resolve(context.cwd, folders[0] ?? DEFAULT_FOLDER);
  const record = await readRun(folder);
  const path = join(folder, 'report.html');
  if (!existsSync(path))
    await writeRun(context, record, { output: folder, reporters: chooseReporters('html'), secrets: [] });
  const { id, exitCode, totals } = record;
  context.show({ path, run: id, exitCode, totals }, () => path);
  const screen = process.env.WAYLAND_DISPLAY || process.env.DISPLAY;
  if (screen && process.stdout.isTTY && !context.flag('json') && findTool('xdg-open')) {
    await run('xdg-open', [path]).catch((error: Error) => context.log.detail(error.message));
  }
  return 0;
}

/** Joins the runs of several folders into one run with all its reports. The exit code is that of the whole. */
async function merge(context: Context, folders: readonly string[]): Promise<number> {
  if (folders.length === 0) throw usage('merge takes the folders of the runs', 'gvm report merge shard-1 shard-2');
  const from = folders.map((folder) => resolve(context.cwd, folder));
  const output = resolve(context.cwd, context.text('output') ?? DEFAULT_FOLDER);
  if (from.includes(output)) {
    throw usage(`${relative(context.cwd, output) || '.'} is one of the folders to merge`, 'name another with --output');
  }
  const { run: merged, doubled, files } = mergeRuns(await Promise.all(from.map(readRun)));
  for (const { part, from: source, to } of files) await copyBeside(from[part] ?? '', source, join(output, to));
  const reporters = chooseReporters(context.text('reporter') ?? 'html');
  const reports = await writeRun(context, merged, { output, reporters, secrets: [] });
  for (const name of doubled) context.log.warn(`more than one run holds the test ${name}; all of them count`);
  const shown = reports.map((path) => relative(context.cwd, path));
  context.show({ ...merged, doubled }, () =>
    renderSummary(merged, { color: context.color, tests: false, reports: shown }),
  );
  return merged.exitCode;
}

async function copyBeside(folder: string, name: string, target: string): Promise<void> {
  const source = resolve(folder, name);
  if (!source.startsWith(folder + sep)) return;
  await mkdir(dirname(target), { recursive: true });
  // A report without a console log or a picture is worth more than none.
  await copyFile(source, target).catch(() => {});
}

const actions = { show, merge };

export const report: Command = {
  usage: 'show|merge [DIR…]',
  about: `show makes the HTML page of a run (default: ${DEFAULT_FOLDER}), prints its path, and opens it where there is a screen. merge joins\nthe runs of several folders into one; no verdict is lost: a test that two of them hold counts twice and is named.`,
  options: ['output', 'reporter'],
  completes: ['show', 'merge'],
  examples: [
    ['gvm report show', 'the last run of this project'],
    ['gvm report merge shard-1 shard-2', 'one report of two shards, in reports/'],
    ['gvm report merge a b --reporter html,github', 'with annotations and a job summary'],
  ],
  words: [1, 1000],
  async run(context) {
    const [word = '', ...folders] = context.words;
    if (word === 'show' || word === 'merge') return await actions[word](context, folders);
    const guess = nearest(word, Object.keys(actions));
    throw usage(
      `unknown action ${word}`,
      guess ? `did you mean gvm report ${guess}?` : 'the actions are show and merge',
    );
  },
};
