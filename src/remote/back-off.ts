// How long to wait between two tries.

const firstMs = 50;
const longestMs = 5000;

/** Each call gives the next wait: doubled up to 5 s, half of it by chance, so that runners do not come all at once. */
export function createBackOff(random: () => string): () => number {
  let next = firstMs;
  return () => {
    const chance = Number.parseInt(random().slice(0, 8), 16) / 2 ** 32;
    const wait = next / 2 + (next / 2) * chance;
    next = Math.min(next * 2, longestMs);
    return wait;
  };
}
