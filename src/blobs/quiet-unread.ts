// A stream that breaks before anybody reads it would end the whole program: Node throws an error that nobody listens to.

import type { Readable } from "node:stream";

/** The same stream. What breaks it is told to its reader alone, as soon as there is one; nobody reading, to nobody. */
export function quietUnread(stream: Readable): Readable {
  return stream.on("error", () => {});
}
