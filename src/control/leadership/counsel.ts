/** A change of leader that is under way. */
export interface AnnouncedChange {
  /** Tells it from others: the same object for as long as it is under way, whoever tells of it. */
  readonly of: object;
  /** The Pod that is to be replaced, as far as it is one. */
  readonly from: number | null;
  /** In words. */
  readonly reason: string;
}

/** What those who watch over all Pods say besides the Pods' own claims. */
export interface Counsel {
  readonly change: AnnouncedChange | null;
  /** The Pod that they name as leader; null: none, no Pod, or they do not agree. */
  readonly named: { readonly podId: number; readonly name: string } | null;
  /** Whom they name, in words. */
  readonly reason: string;
}
