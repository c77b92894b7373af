// All endpoints of src/endpoints/people.ts.

import type { Route } from "../../../http/route.ts";
import type { PeopleDependencies } from "./dependencies.ts";
import { organisationRoutes } from "./organisation-routes.ts";
import { sessionRoutes } from "./session-routes.ts";
import { tokenRoutes } from "./token-routes.ts";
import { userRoutes } from "./user-routes.ts";

export function peopleRoutes(dependencies: PeopleDependencies): Route[] {
  return [
    ...sessionRoutes(dependencies),
    ...userRoutes(dependencies),
    ...organisationRoutes(dependencies),
    ...tokenRoutes(dependencies),
  ];
}
