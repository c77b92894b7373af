// All organisations of the server; each has its own page.

import { useState } from "react";
import { Link } from "wouter";
import { addresses } from "../../addresses.ts";
import { useAction, usePages } from "../../api/use-api.ts";
import { Field, FormDialog, textOf } from "../../ui/form-dialog.tsx";
import { Empty, Panel, ShowPages } from "../../ui/page.tsx";
import { Table } from "../../ui/table.tsx";
import { Ago } from "../../ui/time.tsx";
import { toast } from "../../ui/toasts.tsx";

export function Organisations() {
  const organisations = usePages("listOrganisations", {}, { limit: 200 });
  const [isOpen, setOpen] = useState(false);
  const [wrong, setWrong] = useState<Error | null>(null);
  const create = useAction("createOrganisation", {
    changes: ["listOrganisations"],
    done: ({ name }) => {
      setOpen(false);
      toast(`The organisation ${name} is there, and you own it.`);
    },
    failed: setWrong,
  });
  return (
    <Panel
      title="Organisations"
      flush
      actions={
        <button
          type="button"
          className="button small"
          onClick={() => {
            setWrong(null);
            setOpen(true);
          }}
        >
          Make an organisation
        </button>
      }
    >
      {isOpen && (
        <FormDialog
          title="Make an organisation"
          action="Make it"
          pending={create.isPending}
          error={wrong}
          close={() => setOpen(false)}
          submit={form => create.mutate({ body: { name: textOf(form, "name") ?? "" } })}
        >
          <Field label="Name" hint="Small letters, digits and -. It stands in the address of its projects.">
            <input name="name" required pattern="[a-z0-9][a-z0-9\-]{0,62}" spellCheck={false} />
          </Field>
        </FormDialog>
      )}
      <ShowPages of={organisations} empty={<Empty title="There is no organisation." />}>
        {items => (
          <Table
            label="Organisations"
            heads={[
              "Name",
              { text: "Weight", number: true },
              { text: "Jobs at once", number: true },
              "Since",
            ]}
            rows={items.map(each => ({
              key: each.name,
              cells: [
                <Link key="name" href={addresses.organisation(each.name)} data-row="">
                  {each.name}
                </Link>,
                each.weight,
                each.maxRunningJobs ?? "no limit",
                <Ago key="since" at={each.createdAt} />,
              ],
            }))}
          />
        )}
      </ShowPages>
    </Panel>
  );
}
