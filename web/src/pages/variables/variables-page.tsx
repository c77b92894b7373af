// Variables and secrets of a project, and those that it gets from its organisation.

import { useParams } from "wouter";
import { addresses } from "../../addresses.ts";
import { useAction, usePages } from "../../api/use-api.ts";
import { usePageTitle } from "../../ui/page.tsx";
import { ProjectHead } from "../../ui/project-tabs.tsx";
import { toast } from "../../ui/toasts.tsx";
import { VariablesPanel } from "../../ui/variables-panel.tsx";
import { OrganisationVariables } from "../organisation/organisation-variables.tsx";

export default function VariablesPage() {
  const { organisation = "", project = "" } = useParams();
  const params = { organisation, project };
  usePageTitle(`Variables of ${organisation}/${project}`);
  const variables = usePages("listVariables", { params }, { limit: 200 });
  const set = useAction("setVariable", { changes: ["listVariables"], failed: () => undefined });
  const remove = useAction("removeVariable", {
    changes: ["listVariables"],
    done: () => toast("The variable is removed."),
  });
  return (
    <div className="stack">
      <ProjectHead organisation={organisation} project={project} tab="variables" />
      <p className="muted">
        Of two variables of one name a job gets the narrower one: its pipeline&rsquo;s, then the
        project&rsquo;s, then the organisation&rsquo;s.
      </p>
      <VariablesPanel
        title="Of this project"
        about="Jobs get them as variables of their environment."
        variables={variables}
        withPipelines
        pending={set.isPending}
        set={({ name, pipeline, body }, done, failed) =>
          set.mutate(
            { params: { ...params, name }, query: pipeline === undefined ? {} : { pipeline }, body },
            {
              onSuccess: () => {
                toast(`${name} is set.`);
                done();
              },
              onError: failed,
            },
          )
        }
        remove={({ name, pipeline }) =>
          remove.mutate({ params: { ...params, name }, query: pipeline === null ? {} : { pipeline } })
        }
      />
      <OrganisationVariables
        organisation={organisation}
        title={`Of ${organisation}: all its projects get them`}
        link={addresses.organisation(organisation, "variables")}
      />
    </div>
  );
}
