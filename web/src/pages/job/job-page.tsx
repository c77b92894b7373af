// A job: steps, log, artifacts, tests, timeline.

import { PageHead, usePageTitle } from "../../ui/page.tsx";

export default function JobPage() {
  usePageTitle("Job");
  return (
    <div className="stack">
      <PageHead title="Job" />
    </div>
  );
}
