// Tests of a project: failing first, history, flaky ones.

import { PageHead, usePageTitle } from "../../ui/page.tsx";

export default function ProjectTestsPage() {
  usePageTitle("Tests");
  return (
    <div className="stack">
      <PageHead title="Tests" />
    </div>
  );
}
