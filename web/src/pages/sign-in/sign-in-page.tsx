// Signing in, with a password or a token.

import { type FormEvent, useState } from "react";
import { Redirect, useSearch } from "wouter";
import { ownPath } from "../../addresses.ts";
import { useMe, useSession } from "../../api/session.ts";
import { PageHead, Tabs, usePageTitle } from "../../ui/page.tsx";
import { errorText } from "../../ui/toasts.tsx";

export default function SignInPage() {
  const me = useMe();
  const search = useSearch();
  const query = new URLSearchParams(search);
  usePageTitle("Sign in");
  if (me) return <Redirect to={ownPath(query.get("to"))} replace />;
  const withToken = query.get("with") === "token";
  const to = query.get("to");
  const other = (by: string) => {
    const next = new URLSearchParams({ ...(to === null ? {} : { to }), ...(by === "" ? {} : { with: by }) });
    return next.size === 0 ? "/sign-in" : `/sign-in?${next}`;
  };
  return (
    <div className="stack" style={{ maxWidth: 400, margin: "6vh auto 0" }}>
      <PageHead title="Sign in to Slipway" />
      <Tabs
        label="How to sign in"
        current={other(withToken ? "token" : "")}
        tabs={[
          { to: other(""), text: "With a password" },
          { to: other("token"), text: "With a token" },
        ]}
      />
      <SignInForm key={String(withToken)} withToken={withToken} />
    </div>
  );
}

function SignInForm({ withToken }: { withToken: boolean }) {
  const { signIn, signInWithToken } = useSession();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "");
    setBusy(true);
    setError(undefined);
    try {
      if (withToken) await signInWithToken(text("token").trim());
      else await signIn(text("name").trim(), text("password"));
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <form className="panel" onSubmit={event => void submit(event)}>
      <div className="body stack">
        {withToken ? (
          <label className="field">
            <span>
              Token <span className="hint">— the first start of a server tells the administrator's</span>
            </span>
            <input name="token" type="password" required autoComplete="off" placeholder="swp_…" />
          </label>
        ) : (
          <>
            <label className="field">
              <span>Name</span>
              <input name="name" required autoComplete="username" autoCapitalize="none" spellCheck={false} />
            </label>
            <label className="field">
              <span>Password</span>
              <input name="password" type="password" required autoComplete="current-password" />
            </label>
          </>
        )}
        {error !== undefined && <SignInError error={error} />}
        <button type="submit" className="button primary" disabled={busy}>
          {busy ? "Signing in…" : "Sign in"}
        </button>
      </div>
    </form>
  );
}

function SignInError({ error }: { error: unknown }) {
  const { text, hint } = errorText(error);
  return (
    <div className="notice of-failed" role="alert">
      <p>{text}</p>
      {hint && <p className="muted small">{hint}</p>}
    </div>
  );
}
