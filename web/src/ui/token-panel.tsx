// Tokens of a person, a project or workers: a list, a new one that is shown once, revoking one. Who calls says which endpoints.

import { useState } from "react";
import type { Answer, Item } from "../api/client.ts";
import type { Pages } from "../api/use-api.ts";
import { confirm } from "./confirm.tsx";
import { Field, FormDialog, textOf } from "./form-dialog.tsx";
import { Empty, Panel, ShowPages } from "./page.tsx";
import { SecretOnce } from "./secret-once.tsx";
import { Table } from "./table.tsx";
import { Ago } from "./time.tsx";

export type Token = Item<"listTokens">;
export type NewToken = Answer<"createToken">;

export interface TokenWish {
  name: string;
  /** Null: for ever. */
  days: number | null;
  role: string | null;
  classes: string[];
}

export function TokenPanel({
  title,
  about,
  tokens,
  roles,
  withClasses = false,
  pending,
  create,
  revoke,
}: {
  title: string;
  /** What they are for. */
  about: string;
  tokens: Pages<Token>;
  /** Roles to choose from; the first is chosen. `""` is all that the owner may. */
  roles?: readonly string[];
  /** Whether a token names classes. */
  withClasses?: boolean;
  pending: boolean;
  create: (wish: TokenWish, done: (token: NewToken) => void, failed: (error: Error) => void) => void;
  revoke: (id: number) => void;
}) {
  const [isOpen, setOpen] = useState(false);
  const [wrong, setWrong] = useState<Error | null>(null);
  const [made, setMade] = useState<NewToken>();
  const open = () => {
    setWrong(null);
    setOpen(true);
  };
  const ask = async (token: Token) => {
    const yes = await confirm({
      title: `Revoke ${token.name}?`,
      text: "Whatever uses it is refused from now on. It cannot be brought back.",
      action: "Revoke the token",
      danger: true,
    });
    if (yes) revoke(token.id);
  };
  return (
    <Panel
      title={title}
      flush
      actions={
        <button type="button" className="button small" onClick={open}>
          Make a token
        </button>
      }
    >
      {isOpen && (
        <FormDialog
          title="Make a token"
          action="Make it"
          pending={pending}
          error={wrong}
          close={() => setOpen(false)}
          submit={form => {
            const done = (token: NewToken) => {
              setOpen(false);
              setMade(token);
            };
            create(wishOf(form), done, setWrong);
          }}
        >
          <TokenFields roles={roles} withClasses={withClasses} />
        </FormDialog>
      )}
      {made !== undefined && (
        <SecretOnce
          title={`Token ${made.name}`}
          secret={made.secret}
          text={about}
          close={() => setMade(undefined)}
        />
      )}
      <ShowPages of={tokens} empty={<Empty title="No tokens yet.">{<p>{about}</p>}</Empty>}>
        {items => (
          <Table
            label={title}
            heads={[
              "Name",
              withClasses ? "Classes" : "May",
              "Last used",
              "Made",
              "Expires",
              { text: "Revoke", hidden: true },
            ]}
            rows={items.map(token => ({
              key: token.id,
              cells: [
                <strong key="name">{token.name}</strong>,
                withClasses ? token.classes.join(", ") : (token.role ?? "all that you may"),
                token.lastUsedAt === null ? "never" : <Ago key="used" at={token.lastUsedAt} />,
                <Ago key="made" at={token.createdAt} />,
                token.expiresAt === null ? "never" : <Ago key="until" at={token.expiresAt} />,
                <div key="revoke" className="row">
                  <button type="button" className="button small plain" onClick={() => void ask(token)}>
                    Revoke<span className="sr-only"> {token.name}</span>
                  </button>
                </div>,
              ],
            }))}
          />
        )}
      </ShowPages>
    </Panel>
  );
}

function TokenFields({ roles, withClasses }: { roles: readonly string[] | undefined; withClasses: boolean }) {
  return (
    <>
      <Field label="Name" hint="What uses it: a laptop, a host, a robot.">
        <input name="name" required maxLength={255} />
      </Field>
      {roles !== undefined && (
        <Field label="May">
          <select name="role">
            {roles.map(role => (
              <option key={role} value={role}>
                {role === "" ? "all that I may" : `what a ${role} may`}
              </option>
            ))}
          </select>
        </Field>
      )}
      {withClasses && (
        <Field label="Classes" hint="Those that its workers may serve, with spaces between.">
          <input name="classes" required defaultValue="default" spellCheck={false} />
        </Field>
      )}
      <Field label="Expires">
        <select name="days" defaultValue="90">
          <option value="7">in a week</option>
          <option value="90">in 90 days</option>
          <option value="365">in a year</option>
          <option value="">never</option>
        </select>
      </Field>
    </>
  );
}

function wishOf(form: FormData): TokenWish {
  const days = textOf(form, "days");
  return {
    name: textOf(form, "name") ?? "",
    days: days === undefined ? null : Number(days),
    role: textOf(form, "role") ?? null,
    classes: (textOf(form, "classes") ?? "").split(/[\s,]+/).filter(Boolean),
  };
}
