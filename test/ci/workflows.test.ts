import { readdirSync, readFileSync } from 'node:fs';
import { validateWorkflow } from '@action-validator/core';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

const folders = ['ci/github', '.github/workflows'];
const files = folders.flatMap((folder) => readdirSync(folder).map((file) => `${folder}/${file}`));

test('there are workflows, and the validator is no rubber stamp', () => {
  expect(files).toContain('ci/github/test.yml');
  const text = readFileSync('ci/github/test.yml', 'utf8');
  for (const [from, to] of [
    ['runs-on', 'runs_on'],
    ['pull_request', 'pull_requests'],
    ['contents: read', 'contents: reed'],
    ['timeout-minutes: 60', 'timeout-minutes: soon'],
  ] as const)
    expect(validateWorkflow(text.replace(from, to)).errors, to).not.toEqual([]);
});

test.each(files)('%s is a workflow by its published schema', (file) => {
  expect(validateWorkflow(readFileSync(file, 'utf8')).errors).toEqual([]);
});

test.each(files)('%s opens /dev/kvm without a race: QEMU first, rule, reload, trigger, settle, open', (file) => {
  const { jobs } = parse(readFileSync(file, 'utf8')) as {
    jobs: Record<string, { steps: { name?: string; run?: string }[] }>;
  };
  for (const { steps } of Object.values(jobs)) {
    const text = steps.map(({ run = '' }) => run).join('\n');
    const order = [
      /qemu-system-x86|ci\/bootstrap/,
      /tee \/etc\/udev\/rules\.d/,
      /control --reload-rules/,
      /trigger --name-match=kvm/,
      /udevadm settle/,
      /exec 3<>\/dev\/kvm/,
      /gvm test|npm test/,
    ].map((pattern) => text.search(pattern));
    expect(order.every((at) => at >= 0)).toBe(true);
    expect([...order].sort((a, b) => a - b)).toEqual(order);
  }
});

test.each(files.filter((file) => file.startsWith('ci/github/')))('%s installs what guests need to run', (file) => {
  const table = JSON.parse(readFileSync('src/host/packages.json', 'utf8')) as { for: string; debian: string }[];
  const text = readFileSync(file, 'utf8');
  for (const { debian } of table.filter((row) => row.for === 'run')) expect(text).toContain(debian);
});

test('of a contribution only the suites are taken, and no code of it runs', () => {
  const text = readFileSync('ci/github/contributions.yml', 'utf8');
  const { on, jobs } = parse(text) as { on: string; jobs: { vm: { if: string; steps: Record<string, unknown>[] } } };
  expect(on).toBe('pull_request');
  expect(jobs.vm.if).toBe('github.event.pull_request.head.repo.fork');
  const runs = jobs.vm.steps.map(({ run }) => String(run ?? ''));
  const taken = runs.findIndex((run) => run.includes('mv contribution/suites suites'));
  expect(runs[taken]).toMatch(/rm -rf contribution$/m);
  expect(runs.findIndex((run) => run.includes('npm ci'))).toBeGreaterThan(taken);
  expect(runs.filter((run) => run.includes('gvm test'))).toEqual(['npx gvm test --data-only --reporter html,github']);
});
