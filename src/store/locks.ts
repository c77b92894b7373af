// Advisory locks of the database that more than one part of the platform knows.

/** Held while blobs are removed; whoever copies them all (a backup) holds it shared meanwhile. */
export const sweepLock = 7_291_044_001;
