export type { Channel, ExecResult } from './channel.ts';
export type { Answer, Fact, FactOutput, FactRequest } from './fact.ts';
