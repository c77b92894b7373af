// All projects: how each stands, and how it has stood lately.

import { PageHead, usePageTitle } from "../../ui/page.tsx";

export default function ProjectsPage() {
  usePageTitle("Projects");
  return (
    <div className="stack">
      <PageHead title="Projects" />
    </div>
  );
}
