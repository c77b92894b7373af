// What pages are laid out with: head, crumbs, panels; loading, failed and empty.

import { type ReactNode, useEffect } from "react";
import { Link } from "wouter";
import { ApiProblem } from "../api/client.ts";
import { mayPass, type Pages } from "../api/use-api.ts";
import { useCurrentInSight } from "./current-in-sight.ts";
import type { State } from "./state.tsx";
import { errorText } from "./toasts.tsx";

/** Title of the window, and an icon that tells how what the page shows stands. */
export function usePageTitle(title: string, state?: State): void {
  useEffect(() => {
    const sign = signs[iconOf(state)];
    document.title = [
      ...(sign === undefined ? [] : [sign]),
      title === "" ? "Slipway" : `${title} · Slipway`,
    ].join(" ");
    const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
    if (icon !== null) icon.href = `/icons/${iconOf(state)}.svg`;
  }, [title, state]);
}

/** Before the title: tabs are narrow. */
const signs: Record<string, string> = { passed: "✓", failed: "✗", running: "▸", waiting: "…" };

function iconOf(state: State | undefined): string {
  if (state === "passed") return "passed";
  if (state === "failed" || state === "timed-out" || state === "broken") return "failed";
  if (state === "running" || state === "planning" || state === "claimed") return "running";
  if (state === "approval" || state === "waiting" || state === "queued") return "waiting";
  return "idle";
}

export interface Crumb {
  text: string;
  to: string;
}

export function PageHead({
  title,
  crumbs = [],
  children,
}: {
  title: ReactNode;
  crumbs?: Crumb[];
  children?: ReactNode;
}) {
  return (
    <div className="page-head">
      {crumbs.length > 0 && (
        <nav className="crumbs" aria-label="Where this is">
          <ol>
            {crumbs.map(({ text, to }) => (
              <li key={to}>
                <Link href={to}>{text}</Link>
              </li>
            ))}
          </ol>
        </nav>
      )}
      <div className="row spread">
        <h1>{title}</h1>
        {children !== undefined && <div className="row">{children}</div>}
      </div>
    </div>
  );
}

export function Panel({
  title,
  actions,
  children,
  flush = false,
}: {
  title?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  flush?: boolean;
}) {
  return (
    <section className="panel">
      {title !== undefined && (
        <header>
          <h2>{title}</h2>
          {actions !== undefined && <div className="row">{actions}</div>}
        </header>
      )}
      <div className={flush ? "" : "body"}>{children}</div>
    </section>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <p>
        <strong>{title}</strong>
      </p>
      {children}
    </div>
  );
}

const titles: Record<number, string> = {
  404: "This is not here, or you may not see it.",
  410: "This is not kept any more.",
};

export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const { text, hint } = errorText(error);
  const status = error instanceof ApiProblem ? error.status : undefined;
  return (
    <div className={`notice of-${status === 410 ? "waiting" : "failed"}`} role="alert">
      <p>
        <strong>{titles[status ?? 0] ?? "This could not be loaded."}</strong>
      </p>
      <p>{text}</p>
      {hint && <p className="muted">{hint}</p>}
      {retry && mayPass(error) && (
        <div>
          <button type="button" className="button small" onClick={retry}>
            Try again
          </button>
        </div>
      )}
    </div>
  );
}

export function Loading() {
  return (
    <p className="muted" role="status">
      Loading…
    </p>
  );
}

interface Found<T> {
  data: T | undefined;
  error: Error | null;
  refetch?: () => unknown;
}

/** Shows an answer when it is there. An error beside an answer that is there already is not worth taking it away. */
export function Show<T>({ of, children }: { of: Found<T>; children: (data: T) => ReactNode }) {
  if (of.data !== undefined) return children(of.data);
  if (of.error !== null) return <Failed error={of.error} retry={() => of.refetch?.()} />;
  return <Loading />;
}

/** Shows a list, what to say when it is empty, and the way to more of it. */
export function ShowPages<T>({
  of,
  empty,
  children,
}: {
  of: Pages<T>;
  empty: ReactNode;
  children: (items: T[]) => ReactNode;
}) {
  if (of.items === undefined) return of.error === null ? <Loading /> : <Failed error={of.error} />;
  if (of.items.length === 0) return empty;
  return (
    <>
      {children(of.items)}
      {of.hasMore && (
        <div className="row" style={{ justifyContent: "center", padding: "12px" }}>
          <button type="button" className="button" disabled={of.isLoadingMore} onClick={of.more}>
            {of.isLoadingMore ? "Loading…" : "Show more"}
          </button>
        </div>
      )}
    </>
  );
}

/** Pages of one thing: projects, organisations, the account. */
export function Tabs({
  label,
  tabs,
  current,
}: {
  label: string;
  tabs: { to: string; text: string }[];
  current: string;
}) {
  const list = useCurrentInSight(current);
  return (
    <nav className="tabs" aria-label={label}>
      <ul ref={list}>
        {tabs.map(({ to, text }) => (
          <li key={to}>
            <Link href={to} aria-current={to === current ? "page" : undefined}>
              {text}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
