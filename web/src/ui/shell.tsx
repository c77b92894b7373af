// What stands around every page: where one can go, who one is, and whether what is shown is live.

import { type ReactNode, useEffect, useRef, useSyncExternalStore } from "react";
import { Link, useLocation } from "wouter";
import { addresses } from "../addresses.ts";
import { type Person, useMe, useSession } from "../api/session.ts";
import { streamState } from "../live/connect.ts";
import { ConfirmDialog } from "./confirm.tsx";
import { useCurrentInSight } from "./current-in-sight.ts";
import { focusSearch, HelpSheet, moveRow, useShortcut } from "./shortcuts.tsx";
import { setTheme, type Theme, useTheme } from "./theme.ts";
import { Toasts, toastError } from "./toasts.tsx";

export function Shell({ children }: { children: ReactNode }) {
  const me = useMe();
  const [path, navigate] = useLocation();
  const main = useRef<HTMLElement>(null);
  const shown = useRef(path);
  // A new page is read from its beginning, by eyes and by screen readers.
  useEffect(() => {
    if (shown.current === path) return;
    shown.current = path;
    main.current?.focus();
    scrollTo(0, 0);
  }, [path]);
  useShortcut("/", "To the search or filter of this page", focusSearch);
  useShortcut("j", "Next entry", () => moveRow(1));
  useShortcut("k", "Entry before", () => moveRow(-1));
  useShortcut("g p", "Go to the projects", () => navigate(addresses.projects));
  useShortcut("g q", "Go to the queue", () => navigate(addresses.queue));
  useShortcut("g w", "Go to workers and classes", () => navigate(addresses.workers));
  useShortcut("g a", "Go to your account", () => navigate(addresses.account));
  return (
    <div className="shell">
      <div>
        <a className="skip" href="#main">
          Skip to the page
        </a>
        <header className="top">
          <Link href={addresses.projects} className="brand">
            <img src="/icons/idle.svg" width="20" height="20" alt="" />
            Slipway
          </Link>
          {me && <Navigation me={me} path={path} />}
          <div className="end">
            <ThemeChoice />
            {me ? (
              <Account me={me} />
            ) : (
              me === null && path !== addresses.signIn && <SignInLink path={path} />
            )}
          </div>
        </header>
        <Offline />
      </div>
      <main id="main" tabIndex={-1} ref={main}>
        {children}
      </main>
      <HelpSheet />
      <ConfirmDialog />
      <Toasts />
    </div>
  );
}

function Navigation({ me, path }: { me: Person; path: string }) {
  const links = [
    { to: addresses.projects, text: "Projects" },
    { to: addresses.queue, text: "Queue" },
    { to: addresses.workers, text: "Workers" },
    ...organisationLinks(me),
    ...(me.admin ? [{ to: addresses.server, text: "Server" }] : []),
  ];
  const isHere = (to: string) =>
    to === addresses.projects
      ? path === "/" || path.startsWith("/projects/")
      : path === to || path.startsWith(`${to}/`);
  const list = useCurrentInSight(links.find(({ to }) => isHere(to))?.to ?? "");
  return (
    <nav aria-label="Main">
      <ul ref={list}>
        {links.map(({ to, text }) => (
          <li key={to}>
            <Link href={to} aria-current={isHere(to) ? "page" : undefined}>
              {text}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** A name alone says nothing to somebody who belongs to one. */
function organisationLinks({ organisations }: Person) {
  const shown = organisations
    .slice(0, 3)
    .map(({ name }) => ({ to: addresses.organisation(name), text: name }));
  return shown.length === 1 ? [{ ...shown[0]!, text: "Organisation" }] : shown;
}

function Account({ me }: { me: Person }) {
  const { signOut } = useSession();
  const [, navigate] = useLocation();
  const leave = async () => {
    try {
      await signOut();
      navigate(addresses.signIn);
    } catch (error) {
      toastError(error);
    }
  };
  return (
    <>
      <Link href={addresses.account} className="cut">
        {me.name}
      </Link>
      <button type="button" className="button plain small" onClick={() => void leave()}>
        Sign out
      </button>
    </>
  );
}

function SignInLink({ path }: { path: string }) {
  return (
    <Link href={`${addresses.signIn}?to=${encodeURIComponent(path)}`} className="button small">
      Sign in
    </Link>
  );
}

const themes: { value: Theme; sign: string; text: string }[] = [
  { value: "auto", sign: "◐", text: "as the machine has it" },
  { value: "light", sign: "☀", text: "light" },
  { value: "dark", sign: "☾", text: "dark" },
];

function ThemeChoice() {
  const theme = useTheme();
  const at = themes.findIndex(({ value }) => value === theme);
  const next = themes[(at + 1) % themes.length]!;
  return (
    <button
      type="button"
      className="button plain small"
      aria-label={`Colours: ${themes[at]!.text}. Change to: ${next.text}`}
      title={`Colours: ${themes[at]!.text}`}
      onClick={() => setTheme(next.value)}
    >
      {themes[at]!.sign}
    </button>
  );
}

function Offline() {
  const isConnected = useSyncExternalStore(streamState.subscribe, streamState.get);
  return (
    <div role="status">
      {isConnected === false && (
        <p className="offline">
          The server does not answer. What you see may be old; it goes on by itself when the server is back.
        </p>
      )}
    </div>
  );
}
