// Names and labels that all objects of an installation share. Job Pods have others: a selector for one never finds the other.

export const roleNames = ["api", "logs", "reporter", "worker"] as const;
export type Role = (typeof roleNames)[number];
export type Component = Role | "database";

/** Everything that `slipway install` made, for pruning. */
export const installLabel = "slipway.dev/install";
/** https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ */
export const partLabels = {
  "app.kubernetes.io/part-of": "slipway",
  [installLabel]: "slipway",
};

/** On every node of an installation with node classes. */
export const nodeClassLabel = "slipway.dev/node-class";
/** Pods of the platform that may reach the database. */
export const databaseUserLabel = "slipway.dev/uses-database";

/** `slipway-api`. */
export function nameOf(component: Component): string {
  return `slipway-${component}`;
}

/** Of Pods and of selectors: never changed, since a Deployment's selector cannot be. */
export function podLabels(component: Component): Record<string, string> {
  return {
    "app.kubernetes.io/name": "slipway",
    "app.kubernetes.io/component": component,
  };
}

export function objectLabels(component: Component): Record<string, string> {
  return { ...podLabels(component), ...partLabels };
}

/** Ports by name, the same in all roles. */
export const ports = { people: 8080, runners: 8081, database: 5432 } as const;

/** Name of the Service of the runner listener, the one door for job Pods. */
export const runnerService = "slipway-runner";
