import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { findTool, run } from '../process/index.ts';
import { installCommand } from './packages.ts';
