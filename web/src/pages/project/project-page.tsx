// The runs of a project.

import { PageHead, usePageTitle } from "../../ui/page.tsx";

export default function ProjectPage() {
  usePageTitle("Project");
  return (
    <div className="stack">
      <PageHead title="Project" />
    </div>
  );
}
