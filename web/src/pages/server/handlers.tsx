// Handlers of others that answer below the server's own address.

import { useState } from "react";
import { useAction, usePages } from "../../api/use-api.ts";
import { confirm } from "../../ui/confirm.tsx";
import { Field, FormDialog, textOf } from "../../ui/form-dialog.tsx";
import { Empty, Panel, ShowPages } from "../../ui/page.tsx";
import { Table } from "../../ui/table.tsx";
import { Ago } from "../../ui/time.tsx";
import { toast } from "../../ui/toasts.tsx";

export function Handlers() {
  const handlers = usePages("listHandlers", {}, { limit: 200 });
  const [isOpen, setOpen] = useState(false);
  const remove = useAction("removeHandler", {
    changes: ["listHandlers"],
    done: () => toast("The handler is withdrawn."),
  });
  const ask = async (name: string) => {
    const yes = await confirm({
      title: `Withdraw ${name}?`,
      text: "Calls to its address are not answered any more.",
      action: "Withdraw the handler",
      danger: true,
    });
    if (yes) remove.mutate({ params: { handler: name } });
  };
  return (
    <Panel
      title="Handlers"
      flush
      actions={
        <button type="button" className="button small" onClick={() => setOpen(true)}>
          Register a handler
        </button>
      }
    >
      {isOpen && <HandlerDialog close={() => setOpen(false)} />}
      <ShowPages
        of={handlers}
        empty={
          <Empty title="There is no handler.">
            <p>Receivers of webhooks and back-ends of steps can answer below this server&rsquo;s address.</p>
          </Empty>
        }
      >
        {items => (
          <Table
            label="Handlers"
            heads={["Name", "Gets calls to", "Is at", "By", "Since", { text: "Withdraw", hidden: true }]}
            rows={items.map(each => ({
              key: each.name,
              cells: [
                <strong key="name">{each.name}</strong>,
                <code key="path">{each.path}</code>,
                <code key="target">{each.url ?? `Service ${each.service}:${each.port}`}</code>,
                each.createdBy,
                <Ago key="since" at={each.createdAt} />,
                <div key="remove" className="row">
                  <button type="button" className="button small plain" onClick={() => void ask(each.name)}>
                    Withdraw<span className="sr-only"> {each.name}</span>
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

function HandlerDialog({ close }: { close: () => void }) {
  const [kind, setKind] = useState<"url" | "service">("url");
  const [wrong, setWrong] = useState<Error | null>(null);
  const set = useAction("setHandler", {
    changes: ["listHandlers"],
    done: ({ name, path }) => {
      toast(`${name} gets the calls to ${path}.`);
      close();
    },
    failed: setWrong,
  });
  return (
    <FormDialog
      title="Register a handler"
      action="Register it"
      pending={set.isPending}
      error={wrong}
      close={close}
      submit={form => {
        setWrong(null);
        set.mutate({
          params: { handler: textOf(form, "name") ?? "" },
          body:
            kind === "url"
              ? { url: textOf(form, "url") ?? "" }
              : { service: textOf(form, "service") ?? "", port: Number(form.get("port")) },
        });
      }}
    >
      <Field label="Name" hint="It gets the calls to /handlers/NAME.">
        <input
          name="name"
          required
          maxLength={40}
          pattern="[a-z0-9]([a-z0-9\-]*[a-z0-9])?"
          spellCheck={false}
        />
      </Field>
      <Field label="Is">
        <select value={kind} onChange={({ target }) => setKind(target.value as "url")}>
          <option value="url">at an address</option>
          <option value="service">a Service of the platform&rsquo;s namespace</option>
        </select>
      </Field>
      {kind === "url" ? (
        <Field label="Address" hint="Without a path: that of the call is kept.">
          <input name="url" type="url" required placeholder="http://10.0.0.5:8080" spellCheck={false} />
        </Field>
      ) : (
        <div className="columns">
          <Field label="Service">
            <input name="service" required pattern="[a-z]([a-z0-9\-]*[a-z0-9])?" spellCheck={false} />
          </Field>
          <Field label="Port">
            <input name="port" type="number" required min="1" max="65535" />
          </Field>
        </div>
      )}
    </FormDialog>
  );
}
