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
        Where one name is set more than once, a pipeline&rsquo;s value wins over the project&rsquo;s, and the
        project&rsquo;s over the organisation&rsquo;s.
      </p>
      <VariablesPanel
        title="Project variables"
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
        title={`From ${organisation}, for all its projects`}
        link={addresses.organisation(organisation, "variables")}
      />
    </div>
  );
}
