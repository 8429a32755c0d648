// Runs a command and weighs it: its time, and the largest memory that it and all processes below it held at one moment.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const EVERY = 40;

/** Numbers of a process and of all that descend from it. */
function tree(root) {
  const below = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      below.set(parent, [...(below.get(parent) ?? []), Number(name)]);
    } catch {
      // It has ended.
    }
  }
  const all = [root];
  for (const pid of all) all.push(...(below.get(pid) ?? []));
  return all;
}

/** Proportional resident bytes: pages that several processes share count once. */
function resident(pid) {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/**
 * @returns {Promise<{ output: string, seconds: number, peak: number }>} peak in bytes, by a look every 40 ms
 */
export function weigh(command, args, env = {}) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 2], env: { ...process.env, ...env } });
    let peak = 0;
    const look = setInterval(() => {
      peak = Math.max(
        peak,
        tree(child.pid).reduce((sum, pid) => sum + resident(pid), 0),
      );
    }, EVERY);
    const parts = [];
    child.stdout.on('data', (part) => parts.push(part));
    child.on('error', (error) => {
      clearInterval(look);
      reject(error);
    });
    child.on('close', (code) => {
      clearInterval(look);
      if (code !== 0) return reject(new Error(`${command} ${args.join(' ')} ended with ${code}`));
      resolve({ output: Buffer.concat(parts).toString(), seconds: (performance.now() - started) / 1000, peak });
    });
  });
}
