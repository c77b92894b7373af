// A run: its workflow, live.

import { PageHead, usePageTitle } from "../../ui/page.tsx";

export default function RunPage() {
  usePageTitle("Run");
  return (
    <div className="stack">
      <PageHead title="Run" />
    </div>
  );
}
