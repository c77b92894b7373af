// The share of the server that an organisation has. Administrators set it, all members see it.

import { useState } from "react";
import type { Item } from "../../api/client.ts";
import { useMe } from "../../api/session.ts";
import { useAction, usePages } from "../../api/use-api.ts";
import { Field, textOf, Wrong } from "../../ui/form-dialog.tsx";
import { Empty, Panel, ShowPages } from "../../ui/page.tsx";
import { At } from "../../ui/time.tsx";
import { toast } from "../../ui/toasts.tsx";

type Organisation = Item<"listOrganisations">;

export function OrganisationSettings({ organisation }: { organisation: string }) {
  const me = useMe();
  const organisations = usePages("listOrganisations", {}, { limit: 200 });
  return (
    <Panel title="Share of the server">
      <ShowPages of={organisations} empty={<Empty title="It is not here." />}>
        {items => {
          const found = items.find(({ name }) => name === organisation);
          if (found === undefined) return <Empty title="It is not here." />;
          return me?.admin ? <Form organisation={found} /> : <Facts organisation={found} />;
        }}
      </ShowPages>
    </Panel>
  );
}

function Facts({ organisation }: { organisation: Organisation }) {
  return (
    <dl className="facts">
      <dt>Weight</dt>
      <dd>{organisation.weight}, beside the other organisations&rsquo;</dd>
      <dt>Jobs at the same time</dt>
      <dd>{organisation.maxRunningJobs ?? "as many as there is room for"}</dd>
      <dt>Since</dt>
      <dd>
        <At at={organisation.createdAt} />
      </dd>
    </dl>
  );
}

function Form({ organisation }: { organisation: Organisation }) {
  const [wrong, setWrong] = useState<Error | null>(null);
  const change = useAction("changeOrganisation", {
    changes: ["listOrganisations"],
    done: () => toast("The share is set. The next claim follows it."),
    failed: setWrong,
  });
  return (
    <form
      className="form"
      onSubmit={event => {
        event.preventDefault();
        setWrong(null);
        const form = new FormData(event.currentTarget);
        const most = textOf(form, "most");
        change.mutate({
          params: { organisation: organisation.name },
          body: {
            weight: Number(form.get("weight")),
            maxRunningJobs: most === undefined ? null : Number(most),
          },
        });
      }}
    >
      <Field label="Weight" hint="Twice the weight of another organisation: twice the jobs, while both wait.">
        <input name="weight" type="number" min="1" max="1000" required defaultValue={organisation.weight} />
      </Field>
      <Field label="Jobs at the same time" hint="Empty: as many as there is room for.">
        <input name="most" type="number" min="1" defaultValue={organisation.maxRunningJobs ?? ""} />
      </Field>
      {wrong && <Wrong error={wrong} />}
      <div>
        <button type="submit" className="button" disabled={change.isPending}>
          Set the share
        </button>
      </div>
    </form>
  );
}
