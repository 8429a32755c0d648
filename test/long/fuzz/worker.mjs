// The worker of a portion of cases. Coverage is counted from before the readers are loaded.
import { Session } from 'node:inspector/promises';
import { parentPort, workerData } from 'node:worker_threads';

const session = workerData.coverage ? new Session() : undefined;
if (session) {
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
}
const { runCases } = await import('./cases.mjs');
const done = await runCases();
const coverage = await session?.post('Profiler.takePreciseCoverage');
parentPort.postMessage({ ...done, coverage: coverage?.result.filter(({ url }) => url.includes('/dist/')) ?? [] });
