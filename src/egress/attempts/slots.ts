/**
 * How many calls of a target are under way at once. Whoever finds no room waits in line, up to a length: a target that slows
 * down must not fill this process with calls to it.
 */
export type Slots = Readonly<{
  /** Takes a slot at once, if there is one. */
  take(): boolean;
  /** Gets in line: `onSlot` is called once a slot is the caller's. Undefined where the line is full; else steps out of it. */
  line(onSlot: () => void): (() => void) | undefined;
  /** Gives a slot back, which goes to whoever waited longest. */
  release(): void;
}>;

export const createSlots = (most: number, longestLine: number): Slots => {
  let taken = 0;
  // In the order of their coming; whoever steps out is forgotten at once.
  const waiting = new Set<() => void>();

  return {
    take() {
      if (taken >= most) return false;
      taken += 1;
      return true;
    },

    line(onSlot) {
      if (waiting.size >= longestLine) return undefined;
      // Two that wait may have the same function.
      const turn = () => onSlot();
      waiting.add(turn);
      return () => {
        waiting.delete(turn);
      };
    },

    release() {
      for (const turn of waiting) {
        waiting.delete(turn);
        turn();
        return;
      }
      taken -= 1;
    },
  };
};
