/**
 * Until when what the snapshot says of a leader is good. A claim ends by its age (SPEC 3, Leadership), and whoever stood still has not
 * been told yet: when a process goes on after a stop, bytes of clients are read before any timer runs. So the clock is asked at
 * every byte towards a leader.
 */
export interface Leases {
  /**
   * @param backend the name of the Pod's backend, as far as the caller knows
   * @param nowMs monotonic milliseconds, read just now
   */
  isOver(backend: string, podId: number, nowMs: number): boolean;
}
