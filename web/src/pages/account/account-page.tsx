// One's own account: who one is and where, tokens, the password.

import { Fragment, useState } from "react";
import { Link } from "wouter";
import { addresses } from "../../addresses.ts";
import { useMe } from "../../api/session.ts";
import { useAction, usePages } from "../../api/use-api.ts";
import { Field, Wrong } from "../../ui/form-dialog.tsx";
import { PageHead, Panel, usePageTitle } from "../../ui/page.tsx";
import { toast } from "../../ui/toasts.tsx";
import { TokenPanel } from "../../ui/token-panel.tsx";

export default function AccountPage() {
  usePageTitle("Your account");
  const me = useMe();
  if (!me) return null;
  return (
    <div className="stack">
      <PageHead title={me.name} />
      <Panel title="Your organisations">
        <div className="stack">
          {me.organisations.length === 0 && !me.admin && (
            <p className="muted">You belong to no organisation yet. An owner of one can add you.</p>
          )}
          {me.admin && <p>You are an administrator of this server and may do everything.</p>}
          <dl className="facts">
            {me.organisations.map(({ name, role }) => (
              <Fragment key={name}>
                <dt>
                  <Link href={addresses.organisation(name)}>{name}</Link>
                </dt>
                <dd>{role}</dd>
              </Fragment>
            ))}
          </dl>
        </div>
      </Panel>
      <Tokens />
      <Password />
    </div>
  );
}

function Tokens() {
  const tokens = usePages("listTokens", {}, { limit: 200 });
  const create = useAction("createToken", { changes: ["listTokens"], failed: () => undefined });
  const revoke = useAction("revokeToken", {
    changes: ["listTokens"],
    done: () => toast("The token is revoked."),
  });
  return (
    <TokenPanel
      title="Your tokens"
      about="The command line and programs call in your name with it."
      tokens={tokens}
      roles={["", "maintainer", "reporter", "reader"]}
      pending={create.isPending}
      create={({ name, days, role }, done, failed) =>
        create.mutate(
          { body: { name, days, role: role as "reader" | null } },
          { onSuccess: done, onError: failed },
        )
      }
      revoke={id => revoke.mutate({ params: { token: id } })}
    />
  );
}

function Password() {
  const [wrong, setWrong] = useState<Error | null>(null);
  const change = useAction("changePassword", { failed: setWrong });
  return (
    <Panel title="Password">
      <form
        className="form"
        onSubmit={event => {
          event.preventDefault();
          const target = event.currentTarget;
          const form = new FormData(target);
          setWrong(null);
          if (form.get("next") !== form.get("again")) {
            return setWrong(new Error("the two new passwords are not the same"));
          }
          change.mutate(
            { body: { current: String(form.get("current")), next: String(form.get("next")) } },
            {
              onSuccess: () => {
                target.reset();
                toast("The password is changed. Your other sessions have ended.");
              },
            },
          );
        }}
      >
        <Field label="Current password">
          <input type="password" name="current" required autoComplete="current-password" />
        </Field>
        <Field label="New password" hint="At least 12 characters.">
          <input type="password" name="next" required minLength={12} autoComplete="new-password" />
        </Field>
        <Field label="New password again">
          <input type="password" name="again" required minLength={12} autoComplete="new-password" />
        </Field>
        {wrong && <Wrong error={wrong} />}
        <div>
          <button type="submit" className="button" disabled={change.isPending}>
            Change the password
          </button>
        </div>
      </form>
    </Panel>
  );
}
