// Several pieces of work at once, but not more than a number.

/** Starts `work` when a place is free. */
export type Limit = <T>(work: () => Promise<T>) => Promise<T>;

/** A limit of `most` pieces at a time; the others wait in the order in which they came. */
export function limitTo(most: number): Limit {
  let free = Math.max(1, most);
  const waiting: (() => void)[] = [];
  return async work => {
    if (free > 0) free -= 1;
    else await new Promise<void>(resolve => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

/** Results in the order of `items`. The first failure is thrown when all the others have ended too. */
export async function sideBySide<T, R>(
  items: readonly T[],
  limit: Limit,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const settled = await Promise.allSettled(items.map(item => limit(() => work(item))));
  const failed = settled.find(each => each.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return settled.map(each => (each as PromiseFulfilledResult<R>).value);
}
