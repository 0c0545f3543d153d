/** What keeps a client's keys as one text. */
export interface RingStore {
  /** Milliseconds for which a text that was read is used without reading it again. */
  lifetime: number;
  /** The text as it is now; nothing where there is none yet. */
  read(): Promise<string | undefined>;
  /**
   * Has `mutate` change the text as it is now, while nobody else does, and resolves to what stands afterwards. What it returns is
   * stored whole or not at all; the same text as before writes nothing. `mutate` may be run again.
   */
  change(mutate: (text: string | undefined) => string): Promise<string>;
}
