// How a runner tells whether a pipeline's own cache was there. Statistics read it out of stored events, so these words stay.

/** Beginning of the message of a notice; the key follows. */
export const cacheRestored = "cache restored: ";
/** Beginning of the message of a notice; the key follows. */
export const noCacheYet = "no cache yet: ";
