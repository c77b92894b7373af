// What is said of the containers around a job's steps while these run, as it goes from whoever watches them into the job's log,
// and into its verdict where it may be the cause.

/** Begins what is no reason to wait. */
export const meanwhile = "Meanwhile in the Pod: ";
/** Of a container, by the kernel; part of what names a cause. */
export const killedForMemory = "was killed for its memory";

/** Whether a job that fails may have failed for it. */
export function mayBeCause(words: string): boolean {
  return words.startsWith(meanwhile) && words.includes(killedForMemory);
}

/** A failure's message with the last of `words` that may have caused it. May be repeated. */
export function withCause(message: string, words: readonly string[]): string {
  const cause = words.findLast(mayBeCause);
  if (cause === undefined || message.includes(cause)) return message;
  return message === "" ? cause : `${message}\n${cause}`;
}
