// Which page an address shows.

import { Component, type ReactNode, Suspense } from "react";
import { Link, Redirect, Route, Switch, useLocation, useParams, useSearch } from "wouter";
import { addresses } from "./addresses.ts";
import { may, useMe } from "./api/session.ts";
import { type PageRoute, routes } from "./routes.tsx";
import { Empty, Failed, Loading } from "./ui/page.tsx";
import { Shell } from "./ui/shell.tsx";

export function App() {
  const [path] = useLocation();
  return (
    <Shell>
      <Caught key={path}>
        <Suspense fallback={<Loading />}>
          <Switch>
            {routes.map(route => (
              <Route key={route.path} path={route.path}>
                <Page route={route} />
              </Route>
            ))}
            <Route>
              <Empty title="There is no such page.">
                <Link href={addresses.projects}>To the projects</Link>
              </Empty>
            </Route>
          </Switch>
        </Suspense>
      </Caught>
    </Shell>
  );
}

function Page({ route }: { route: PageRoute }) {
  const me = useMe();
  const [path] = useLocation();
  const search = useSearch();
  const { organisation = "" } = useParams();
  if (route.signedIn && me === undefined) return <Loading />;
  if (route.signedIn && me === null) {
    const here = `${path}${search === "" ? "" : `?${search}`}`;
    return <Redirect to={`${addresses.signIn}?to=${encodeURIComponent(here)}`} replace />;
  }
  if (route.only !== undefined && !may(me, organisation, route.only)) {
    return (
      <Empty title={`This page is for ${route.only}s of ${organisation}.`}>
        <Link href={addresses.projects}>To the projects</Link>
      </Empty>
    );
  }
  return <route.page />;
}

/** A page that fails takes nothing else with it. A class, since React has no other way to catch. */
class Caught extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: undefined as unknown };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error === undefined) return this.props.children;
    // After an update of the server the parts of the old pages are gone.
    return <Failed error={this.state.error} retry={() => location.reload()} />;
  }
}
