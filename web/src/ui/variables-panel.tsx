// Variables and secrets of a project or an organisation. A protected value goes in and never comes out.

import { useState } from "react";
import type { Item } from "../api/client.ts";
import type { Pages } from "../api/use-api.ts";
import { confirm } from "./confirm.tsx";
import { Empty, Panel, ShowPages } from "./page.tsx";
import { Table } from "./table.tsx";
import { Ago } from "./time.tsx";
import { VariableDialog } from "./variable-dialog.tsx";
import { scopeText, type VariableWish } from "./variable-wish.ts";
import "./list.css";

export type Variable = Item<"listVariables">;

export function VariablesPanel({
  title,
  about,
  variables,
  withPipelines = false,
  pending,
  set,
  remove,
}: {
  title: string;
  about: string;
  variables: Pages<Variable>;
  /** Whether one may be of a pipeline alone. */
  withPipelines?: boolean;
  pending: boolean;
  set: (wish: VariableWish, done: () => void, failed: (error: Error) => void) => void;
  remove: (variable: Variable) => void;
}) {
  const [edited, setEdited] = useState<Variable | "new">();
  const [wrong, setWrong] = useState<Error | null>(null);
  const edit = (what: Variable | "new") => {
    setWrong(null);
    setEdited(what);
  };
  const ask = async (variable: Variable) => {
    const yes = await confirm({
      title: `Remove ${variable.name}?`,
      text: "Jobs that are planned from now on do not get it. Its value is lost.",
      action: "Remove the variable",
      danger: true,
    });
    if (yes) remove(variable);
  };
  return (
    <Panel
      title={title}
      flush
      actions={
        <button type="button" className="button small" onClick={() => edit("new")}>
          Add a variable
        </button>
      }
    >
      {edited !== undefined && (
        <VariableDialog
          variable={edited === "new" ? undefined : edited}
          withPipelines={withPipelines}
          pending={pending}
          error={wrong}
          close={() => setEdited(undefined)}
          set={wish => set(wish, () => setEdited(undefined), setWrong)}
        />
      )}
      <ShowPages of={variables} empty={<Empty title="No variables yet.">{<p>{about}</p>}</Empty>}>
        {items => (
          <Table
            label={title}
            heads={["Name", "Value", "For", "Changed", { text: "What can be done", hidden: true }]}
            rows={items.map(variable => ({
              key: `${variable.pipeline ?? ""} ${variable.name}`,
              cells: [
                <code key="name">{variable.name}</code>,
                variable.protected ? (
                  <span key="value" className="tag">
                    protected, never shown
                  </span>
                ) : (
                  <code key="value" className="value">
                    {variable.value}
                  </code>
                ),
                <span key="for">{scopeText(variable)}</span>,
                <Ago key="changed" at={variable.updatedAt} />,
                <div key="actions" className="row">
                  <button type="button" className="button small" onClick={() => edit(variable)}>
                    Change<span className="sr-only"> {variable.name}</span>
                  </button>
                  <button type="button" className="button small plain" onClick={() => void ask(variable)}>
                    Remove<span className="sr-only"> {variable.name}</span>
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
