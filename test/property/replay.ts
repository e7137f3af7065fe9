/** A fixed seed so that a run is repeatable; `FC_SEED` and `FC_PATH` replay a failure, `FC_RUNS` searches longer. */
export function replay(): { seed: number; path?: string; numRuns?: number } {
  const { FC_SEED, FC_PATH, FC_RUNS } = process.env;
  return {
    seed: FC_SEED === undefined ? 20_261_125 : Number(FC_SEED),
    ...(FC_PATH === undefined ? {} : { path: FC_PATH }),
    ...(FC_RUNS === undefined ? {} : { numRuns: Number(FC_RUNS) }),
  };
}
