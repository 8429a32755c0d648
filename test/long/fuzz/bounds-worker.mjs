// Drives each reader to its bounds, and tells what was said there and which lines ran.
import { Session } from 'node:inspector/promises';
import { parentPort, workerData } from 'node:worker_threads';

const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
const { reaches } = await import('./bounds/index.mjs');
const { JournalDamage } = await import('../../../dist/facts/journal-file/objects.js');
const { Pages } = await import('./pages.mjs');
const { isTyped, placesOf, readAll, readersIn, turnTo } = await import('./readers.mjs');
const { repairs } = await import('./repair.mjs');

/** Reads a sound image as it was edited, in each of the ways that the cases take turns in. */
async function read(seed, edit, kind = seed.kind) {
  const disk = new Pages(seed);
  const readers = readersIn(workerData.folder);
  const reader = readers[kind] ?? readers.fileSystem;
  const places = await placesOf(disk, kind, reader);
  edit(disk);
  await repairs[seed.kind]?.(disk, places);
  for (const turn of [0, 1, 2]) {
    turnTo(turn);
    await reader(disk);
  }
}

readAll();
const said = [];
for (const { bound, line, image, kind, edit, call, most = 20_000 } of reaches) {
  const began = process.cpuUsage();
  let outcome = 'read';
  try {
    await (call ? call() : read(workerData.images.get(image), edit, kind));
  } catch (error) {
    outcome = isTyped(error) || error instanceof JournalDamage ? error.message : `not typed: ${error.stack}`;
  }
  const { user, system } = process.cpuUsage(began);
  said.push({ bound, line, image: image ?? 'its text alone', outcome, most, time: (user + system) / 1000 });
}
const { result } = await session.post('Profiler.takePreciseCoverage');
parentPort.postMessage({ said, coverage: result.filter(({ url }) => url.includes('/dist/')) });
