// Which workers launch Pods, as they have just said: asked with every claim. One that has renewed its lease elsewhere is looked
// up once.

import type { Queryable } from "../../../store/database.ts";

export interface Launchers {
  note(workerId: string, labels: Readonly<Record<string, string>>): void;
  /** By its label `launcher=kubernetes`. */
  isKubernetes(workerId: string): Promise<boolean>;
}

/** Workers have an id of each process; the oldest are forgotten. */
const most = 1000;

export function rememberLaunchers(db: Queryable): Launchers {
  const known = new Map<string, boolean>();
  const keep = (workerId: string, kubernetes: boolean) => {
    known.delete(workerId);
    known.set(workerId, kubernetes);
    const [oldest] = known.keys();
    if (known.size > most && oldest !== undefined) known.delete(oldest);
  };
  return {
    note: (workerId, labels) => keep(workerId, labels.launcher === "kubernetes"),
    async isKubernetes(workerId) {
      const remembered = known.get(workerId);
      if (remembered !== undefined) return remembered;
      const [row] = await db.query<{ launcher: string | null }>(
        "select labels->>'launcher' as launcher from workers where id = $1",
        [workerId],
      );
      if (row !== undefined) keep(workerId, row.launcher === "kubernetes");
      return row?.launcher === "kubernetes";
    },
  };
}
