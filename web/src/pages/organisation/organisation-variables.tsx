// Variables of an organisation: to be changed on its own page, to be seen on a project's.

import { Link } from "wouter";
import { useAction, usePages } from "../../api/use-api.ts";
import { Panel, ShowPages } from "../../ui/page.tsx";
import { toast } from "../../ui/toasts.tsx";
import { scopeText } from "../../ui/variable-wish.ts";
import { VariablesPanel } from "../../ui/variables-panel.tsx";

export function OrganisationVariables({
  organisation,
  title,
  link,
}: {
  organisation: string;
  title: string;
  /** Where they are changed, if not here. */
  link?: string;
}) {
  const params = { organisation };
  const variables = usePages("listOrganisationVariables", { params }, { limit: 200 });
  const set = useAction("setOrganisationVariable", {
    changes: ["listOrganisationVariables"],
    failed: () => undefined,
  });
  const remove = useAction("removeOrganisationVariable", {
    changes: ["listOrganisationVariables"],
    done: () => toast("The variable is removed."),
  });
  if (link !== undefined) {
    return (
      <Panel title={title} actions={<Link href={link}>Change them</Link>}>
        <ShowPages of={variables} empty={<p className="muted">It has none.</p>}>
          {items => (
            <ul className="stack small">
              {items.map(variable => (
                <li key={variable.name}>
                  <code>{variable.name}</code>{" "}
                  <span className="muted">
                    {variable.protected ? "protected, " : ""}
                    {scopeText(variable)}
                  </span>
                </li>
              ))}
            </ul>
          )}
        </ShowPages>
      </Panel>
    );
  }
  return (
    <VariablesPanel
      title={title}
      about="The jobs of all its projects get them."
      variables={variables}
      pending={set.isPending}
      set={({ name, body }, done, failed) =>
        set.mutate(
          { params: { ...params, name }, body },
          {
            onSuccess: () => {
              toast(`${name} is set.`);
              done();
            },
            onError: failed,
          },
        )
      }
      remove={({ name }) => remove.mutate({ params: { ...params, name } })}
    />
  );
}
