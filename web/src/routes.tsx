// All pages: one folder each below `pages/`, with its test in `test/web/`. Each is loaded when it is first opened. An address is listed
// here once; `addresses.ts` makes the links.

import { type ComponentType, type LazyExoticComponent, lazy } from "react";
import type { Role } from "./api/session.ts";

export interface PageRoute {
  path: string;
  page: LazyExoticComponent<ComponentType>;
  /** Only for people who have signed in; others are led to sign in. */
  signedIn?: boolean;
  /** The role in the organisation of its address that may see anything of it. Others are told so, and nothing is asked. */
  only?: Role;
}

const project = "/projects/:organisation/:project";

export const routes: PageRoute[] = [
  { path: "/", page: lazy(() => import("./pages/projects/projects-page.tsx")) },
  { path: "/sign-in", page: lazy(() => import("./pages/sign-in/sign-in-page.tsx")) },
  { path: "/start", page: lazy(() => import("./pages/start/start-page.tsx")), signedIn: true },
  { path: "/queue", page: lazy(() => import("./pages/queue/queue-page.tsx")), signedIn: true },
  { path: "/workers", page: lazy(() => import("./pages/workers/workers-page.tsx")), signedIn: true },
  { path: "/account", page: lazy(() => import("./pages/account/account-page.tsx")), signedIn: true },
  {
    path: "/server/:tab?",
    page: lazy(() => import("./pages/server/server-page.tsx")),
    signedIn: true,
  },
  {
    path: "/organisations/:organisation/:tab?",
    page: lazy(() => import("./pages/organisation/organisation-page.tsx")),
    signedIn: true,
  },
  { path: project, page: lazy(() => import("./pages/project/project-page.tsx")) },
  { path: `${project}/tests`, page: lazy(() => import("./pages/project-tests/project-tests-page.tsx")) },
  { path: `${project}/figures`, page: lazy(() => import("./pages/figures/figures-page.tsx")) },
  {
    path: `${project}/schedules`,
    page: lazy(() => import("./pages/schedules/schedules-page.tsx")),
    signedIn: true,
  },
  {
    path: `${project}/variables`,
    page: lazy(() => import("./pages/variables/variables-page.tsx")),
    signedIn: true,
    only: "maintainer",
  },
  {
    path: `${project}/settings`,
    page: lazy(() => import("./pages/project-settings/project-settings-page.tsx")),
    signedIn: true,
    only: "maintainer",
  },
  { path: `${project}/runs/:number`, page: lazy(() => import("./pages/run/run-page.tsx")) },
  { path: `${project}/runs/:number/tests`, page: lazy(() => import("./pages/run-tests/run-tests-page.tsx")) },
  { path: `${project}/runs/:number/jobs/:job/:tab?`, page: lazy(() => import("./pages/job/job-page.tsx")) },
];
