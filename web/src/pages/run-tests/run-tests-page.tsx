// Test results of a run, failing first.

import { PageHead, usePageTitle } from "../../ui/page.tsx";

export default function RunTestsPage() {
  usePageTitle("Tests");
  return (
    <div className="stack">
      <PageHead title="Tests" />
    </div>
  );
}
