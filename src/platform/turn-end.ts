import { crashed } from './guard.ts';

/** Something that waits until every event that the kernel had reported has been handled. */
export interface TurnTask {
  turnEnded(): void;
}

/**
 * The end of the event loop's turn: after all I/O that the kernel had reported, before it is asked again. One `setImmediate` a
 * turn serves all tasks; what is added while they run waits for the next turn.
 */
export class TurnEnd {
  #tasks: TurnTask[] = [];
  #running: TurnTask[] = [];

  add(task: TurnTask): void {
    if (this.#tasks.push(task) === 1) setImmediate(this.#run);
  }

  readonly #run = (): void => {
    const tasks = this.#tasks;
    this.#tasks = this.#running;
    this.#running = tasks;
    for (let i = 0; i < tasks.length; i++) {
      try {
        tasks[i]!.turnEnded();
      } catch (error) {
        crashed('turn_end', error);
      }
    }
    tasks.length = 0;
  };
}
