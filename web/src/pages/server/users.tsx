// Accounts: new ones, administrators, new passwords, and closing one.

import { useState } from "react";
import type { Item } from "../../api/client.ts";
import { useAction, usePages } from "../../api/use-api.ts";
import { confirm } from "../../ui/confirm.tsx";
import { Field, FormDialog, textOf } from "../../ui/form-dialog.tsx";
import { Empty, Panel, ShowPages } from "../../ui/page.tsx";
import { Table } from "../../ui/table.tsx";
import { Ago } from "../../ui/time.tsx";
import { toast } from "../../ui/toasts.tsx";

type User = Item<"listUsers">;

export function Users({ me }: { me: string }) {
  const users = usePages("listUsers", {}, { limit: 200 });
  const [isOpen, setOpen] = useState(false);
  const [renewed, setRenewed] = useState<User>();
  return (
    <Panel
      title="People"
      flush
      actions={
        <button type="button" className="button small" onClick={() => setOpen(true)}>
          Make an account
        </button>
      }
    >
      {isOpen && <NewAccount close={() => setOpen(false)} />}
      {renewed && <NewPassword user={renewed} close={() => setRenewed(undefined)} />}
      <ShowPages of={users} empty={<Empty title="Nobody has an account." />}>
        {items => (
          <Table
            label="People"
            heads={["Name", "State", "Since", { text: "What can be done", hidden: true }]}
            rows={items.map(user => ({
              key: user.name,
              cells: [
                <strong key="name">{user.name}</strong>,
                <UserState key="state" user={user} />,
                <Ago key="since" at={user.createdAt} />,
                <Actions key="actions" user={user} isMe={user.name === me} renew={() => setRenewed(user)} />,
              ],
            }))}
          />
        )}
      </ShowPages>
    </Panel>
  );
}

function UserState({ user }: { user: User }) {
  if (user.disabled) return <span className="state of-broken">closed</span>;
  return user.admin ? <strong>administrator</strong> : <span>may sign in</span>;
}

function Actions({ user, isMe, renew }: { user: User; isMe: boolean; renew: () => void }) {
  const change = useAction("changeUser", {
    changes: ["listUsers"],
    done: ({ name }) => toast(`The account ${name} is changed.`),
  });
  const set = (body: { admin?: boolean; disabled?: boolean }) =>
    change.mutate({ params: { user: user.name }, body });
  const ask = async (
    title: string,
    text: string,
    action: string,
    body: { admin?: boolean; disabled?: boolean },
  ) => {
    if (await confirm({ title, text, action, danger: true })) set(body);
  };
  // Nobody locks himself out.
  if (isMe) {
    return (
      <div className="row">
        <span className="muted small">this is you</span>
      </div>
    );
  }
  const named = <span className="sr-only"> ({user.name})</span>;
  return (
    <div className="row">
      <button type="button" className="button small plain" onClick={renew}>
        New password{named}
      </button>
      {user.admin ? (
        <button type="button" className="button small plain" onClick={() => set({ admin: false })}>
          No administrator{named}
        </button>
      ) : (
        <button
          type="button"
          className="button small plain"
          onClick={() =>
            void ask(
              `Make ${user.name} an administrator?`,
              "Administrators may do everything on this server, in every organisation.",
              "Make an administrator",
              { admin: true },
            )
          }
        >
          Make administrator{named}
        </button>
      )}
      {user.disabled ? (
        <button type="button" className="button small" onClick={() => set({ disabled: false })}>
          Open again{named}
        </button>
      ) : (
        <button
          type="button"
          className="button small"
          onClick={() =>
            void ask(
              `Close the account ${user.name}?`,
              "Sessions end at once, and tokens are refused. It can be opened again.",
              "Close the account",
              { disabled: true },
            )
          }
        >
          Close{named}
        </button>
      )}
    </div>
  );
}

function NewAccount({ close }: { close: () => void }) {
  const [wrong, setWrong] = useState<Error | null>(null);
  const create = useAction("createUser", {
    changes: ["listUsers"],
    done: ({ name }) => {
      toast(`${name} has an account. An owner of an organisation can take ${name} in.`);
      close();
    },
    failed: setWrong,
  });
  return (
    <FormDialog
      title="Make an account"
      action="Make it"
      pending={create.isPending}
      error={wrong}
      close={close}
      submit={form => {
        setWrong(null);
        create.mutate({
          body: {
            name: textOf(form, "name") ?? "",
            password: String(form.get("password")),
            admin: form.get("admin") !== null,
          },
        });
      }}
    >
      <Field label="Name" hint="Small letters, digits and . _ -">
        <input
          name="name"
          required
          pattern="[a-z0-9][a-z0-9._\-]{0,62}"
          autoComplete="off"
          spellCheck={false}
        />
      </Field>
      <Field label="Password" hint="At least 12 characters. Whom you give it to can change it.">
        <input type="password" name="password" required minLength={12} autoComplete="new-password" />
      </Field>
      <label className="check">
        <input type="checkbox" name="admin" />
        <span>Administrator of this server</span>
      </label>
    </FormDialog>
  );
}

function NewPassword({ user, close }: { user: User; close: () => void }) {
  const [wrong, setWrong] = useState<Error | null>(null);
  const change = useAction("changeUser", {
    done: () => {
      toast(`${user.name} has a new password.`);
      close();
    },
    failed: setWrong,
  });
  return (
    <FormDialog
      title={`A new password for ${user.name}`}
      action="Set it"
      pending={change.isPending}
      error={wrong}
      close={close}
      submit={form => {
        setWrong(null);
        change.mutate({ params: { user: user.name }, body: { password: String(form.get("password")) } });
      }}
    >
      <Field label="Password" hint="At least 12 characters.">
        <input type="password" name="password" required minLength={12} autoComplete="new-password" />
      </Field>
    </FormDialog>
  );
}
