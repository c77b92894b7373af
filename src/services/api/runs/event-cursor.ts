// How far a follower of a run has been told the events of each attempt, as the id of a server-sent event. Numbers of one
// attempt have no gaps and are stored in order; an order over all attempts could show a later one before an earlier.

/** Numbers of the last event that was told, by attempt's short name. */
export type EventCursor = Map<string, number>;

/** The end of an attempt's id, which is chance. */
export function shortName(attemptId: string): string {
  return attemptId.slice(-7);
}

/** `3f09a1c:2s,...`: numbers to the base of 36. */
export function cursorText(cursor: EventCursor): string {
  return [...cursor].map(([name, seq]) => `${name}:${seq.toString(36)}`).join(",");
}

/** From the beginning where the text is none of ours: a follower that is told too much is better off than one told nothing. */
export function cursorOf(text: string | undefined): EventCursor {
  const parts = (text ?? "").split(",").map(part => /^([0-9a-f]{7}):([0-9a-z]{1,10})$/.exec(part));
  if (parts.some(part => part === null)) return new Map();
  return new Map(parts.map(part => [part![1]!, Number.parseInt(part![2]!, 36)]));
}
