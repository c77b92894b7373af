// The names of the steps that the runner carries out itself, and which of them are for a person at a terminal.

/** Always there. */
export const internalActions = [
  "docker-push",
  "docker-scratch-push",
  "docker-build",
  "docker-run",
  "docker-kill",
  "store-container",
  "publish-step",
];

/** Only with dev steps. */
export const devActions = ["watch", "shell"];
