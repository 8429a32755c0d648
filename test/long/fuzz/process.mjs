// The process of a portion of cases, which forks one for each. Coverage is counted from before the readers are loaded,
// and without forks.
import { Session } from 'node:inspector/promises';

process.once('message', async (portion) => {
  const answer = portion.coverage ? covered(portion) : forked(portion).then((tally) => ({ tally }));
  // What is not sent yet is lost when the channel ends.
  process.send(await answer.catch((error) => ({ error: error.message })), () => process.disconnect());
});

async function forked(portion) {
  const { runCases } = await import('./cases.mjs');
  return runCases(portion);
}

async function covered(portion) {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  const { runTogether } = await import('./cases.mjs');
  const tally = await runTogether(portion);
  const { result } = await session.post('Profiler.takePreciseCoverage');
  return { tally, coverage: result.filter(({ url }) => url.includes('/dist/')) };
}
