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
const tally = await runCases();
const coverage = await session?.post('Profiler.takePreciseCoverage');
const own = coverage?.result.filter(({ url }) => url.includes('/dist/'));
parentPort.postMessage({ tally, coverage: own });
