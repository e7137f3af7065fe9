import type { RoundResult } from '../judge.ts';
import type { Scenario } from '../scenario.ts';

export class ResultFile {
  constructor(_folder: string) {}
  replace(_scenario: Scenario, _rounds: readonly RoundResult[]): void {}
}
