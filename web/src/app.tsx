// Which page an address shows.

import { Component, type ReactNode, Suspense, useEffect, useRef, useSyncExternalStore } from "react";
import { Link, Redirect, Route, Switch, useLocation, useParams, useSearch } from "wouter";
import { addresses } from "./addresses.ts";
import { may, useMe } from "./api/session.ts";
import { streamState } from "./live/connect.ts";
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
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    if (isNotFetched(error)) return <NotFetched />;
    return <Failed error={error} retry={() => location.reload()} />;
  }
}

/** Each browser has its own words for a part of a page that did not come, and the bundler for a style sheet. */
function isNotFetched(error: unknown): boolean {
  return (
    error instanceof Error && /dynamically imported module|module script|preload CSS/i.test(error.message)
  );
}

/** The server is away, or another version of it has taken the place of the one whose pages these are. */
function NotFetched() {
  const isConnected = useSyncExternalStore(streamState.subscribe, streamState.get);
  const wasAway = useRef(isConnected === false);
  useEffect(() => {
    if (isConnected === false) wasAway.current = true;
    // Only when it comes back: a part that is missing for good must not make the page load again and again.
    if (isConnected === true && wasAway.current) location.reload();
  }, [isConnected]);
  return (
    <div className="notice of-waiting" role="alert">
      <p>
        <strong>This page has not been loaded yet.</strong>
      </p>
      <p>
        {isConnected === false
          ? "It will be as soon as the server answers again."
          : "The server may have been updated since these pages were opened."}
      </p>
      <div>
        <button type="button" className="button small" onClick={() => location.reload()}>
          Load it again
        </button>
      </div>
    </div>
  );
}
