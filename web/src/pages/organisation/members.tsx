// Members of an organisation and their roles.

import { useState } from "react";
import type { Item } from "../../api/client.ts";
import type { Role } from "../../api/session.ts";
import { useAction, usePages } from "../../api/use-api.ts";
import { confirm } from "../../ui/confirm.tsx";
import { Field, FormDialog, textOf } from "../../ui/form-dialog.tsx";
import { Empty, Panel, ShowPages } from "../../ui/page.tsx";
import { Table } from "../../ui/table.tsx";
import { toast } from "../../ui/toasts.tsx";

const roles: { role: Role; text: string }[] = [
  { role: "owner", text: "everything, members and deleting projects included" },
  { role: "maintainer", text: "projects, secrets, schedules, approvals" },
  { role: "reporter", text: "starts, cancels and repeats runs" },
  { role: "reader", text: "sees everything but secrets" },
];

export function Members({ organisation, mayChange }: { organisation: string; mayChange: boolean }) {
  const members = usePages("listMembers", { params: { organisation } }, { limit: 200 });
  const [isOpen, setOpen] = useState(false);
  const [wrong, setWrong] = useState<Error | null>(null);
  const set = useAction("setMember", {
    changes: ["listMembers"],
    done: ({ user, role }) => {
      setOpen(false);
      toast(`${user} is now ${role} of ${organisation}.`);
    },
    ...(isOpen ? { failed: setWrong } : {}),
  });
  const add = (
    <button
      type="button"
      className="button small"
      onClick={() => {
        setWrong(null);
        setOpen(true);
      }}
    >
      Add a member
    </button>
  );
  return (
    <Panel title="Members" actions={mayChange ? add : undefined} flush>
      {isOpen && (
        <FormDialog
          title={`Add a member to ${organisation}`}
          action="Add"
          pending={set.isPending}
          error={wrong}
          close={() => setOpen(false)}
          submit={form =>
            set.mutate({
              params: { organisation, user: textOf(form, "user") ?? "" },
              body: { role: form.get("role") as Role },
            })
          }
        >
          <Field label="Name" hint="Somebody who has an account on this server.">
            <input name="user" required autoComplete="off" spellCheck={false} />
          </Field>
          <Field label="Role">
            <select name="role" defaultValue="reporter">
              {roles.map(({ role, text }) => (
                <option key={role} value={role}>
                  {role}: {text}
                </option>
              ))}
            </select>
          </Field>
        </FormDialog>
      )}
      <ShowPages of={members} empty={<Empty title="No members yet." />}>
        {items => (
          <Table
            label="Members"
            heads={["Name", "Role", "May", { text: "Remove", hidden: true }]}
            rows={items.map(member => ({
              key: member.user,
              cells: [
                <strong key="name">{member.user}</strong>,
                mayChange ? (
                  <RoleChoice
                    key="role"
                    member={member}
                    choose={role =>
                      set.mutate({ params: { organisation, user: member.user }, body: { role } })
                    }
                  />
                ) : (
                  member.role
                ),
                <span key="may" className="muted small">
                  {roles.find(({ role }) => role === member.role)!.text}
                </span>,
                mayChange ? <Remove key="remove" organisation={organisation} user={member.user} /> : null,
              ],
            }))}
          />
        )}
      </ShowPages>
    </Panel>
  );
}

function RoleChoice({ member, choose }: { member: Item<"listMembers">; choose: (role: Role) => void }) {
  return (
    <select
      aria-label={`Role of ${member.user}`}
      value={member.role}
      onChange={({ target }) => choose(target.value as Role)}
    >
      {roles.map(({ role }) => (
        <option key={role}>{role}</option>
      ))}
    </select>
  );
}

function Remove({ organisation, user }: { organisation: string; user: string }) {
  const remove = useAction("removeMember", {
    changes: ["listMembers"],
    done: () => toast(`${user} is no member of ${organisation} any more.`),
  });
  const ask = async () => {
    const yes = await confirm({
      title: `Remove ${user} from ${organisation}?`,
      text: "What the person has done stays. Personal tokens of theirs lose what the role allowed.",
      action: "Remove",
      danger: true,
    });
    if (yes) remove.mutate({ params: { organisation, user } });
  };
  return (
    <div className="row">
      <button type="button" className="button small plain" onClick={() => void ask()}>
        Remove<span className="sr-only"> {user}</span>
      </button>
    </div>
  );
}
