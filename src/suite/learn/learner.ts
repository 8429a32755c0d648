import type { Answer, FactRequest } from '../../facts/index.ts';

/** How checks of one kind are learnt: what there is to check, what is asked of it, and what of the answers is kept. Pure. */
export interface Learner {
  /** The check that is written. */
  check: string;
  /** The name of the test that holds its declarations. */
  test: string;
  /** How to find what is worth a check where nothing is named; absent where that takes a name. */
  survey?: {
    requests: readonly FactRequest[];
    /** A check without a subject has one, the empty text. */
    subjects(answers: readonly Answer[]): string[];
  };
  requests(subject: string): FactRequest[];
  /**
   * What to declare of a subject; undefined where nothing is worth it. It holds nothing that changes by itself.
   * @param named somebody asked for this very subject: that it is absent is then a thing to declare
   */
  declare(subject: string, values: readonly unknown[], named: boolean): Record<string, unknown> | undefined;
}

/** Subjects that are the same everywhere. */
export const always = (...subjects: string[]): NonNullable<Learner['survey']> => ({
  requests: [],
  subjects: () => subjects,
});
