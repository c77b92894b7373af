// The addresses of all pages. Links are made here, so that a page can move.

const part = encodeURIComponent;

export const addresses = {
  projects: "/",
  signIn: "/sign-in",
  start: "/start",
  queue: "/queue",
  workers: "/workers",
  account: "/account",
  server: "/server",
  organisation: (organisation: string, tab = "") => `/organisations/${part(organisation)}${tab && `/${tab}`}`,
  project: (organisation: string, project: string, tab = "") =>
    `/projects/${part(organisation)}/${part(project)}${tab && `/${tab}`}`,
  run: (run: { organisation: string; project: string; number: number }) =>
    `${addresses.project(run.organisation, run.project)}/runs/${run.number}`,
  job: (run: { organisation: string; project: string; number: number }, job: string, tab = "") =>
    `${addresses.run(run)}/jobs/${job}${tab && `/${tab}`}`,
};

/** Where to go after signing in: a path of this server, and nothing else. */
export function ownPath(text: string | null | undefined): string {
  return text && /^\/(?![/\\])/.test(text) ? text : addresses.projects;
}
