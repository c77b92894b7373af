// When runs start by themselves.

import { PageHead, usePageTitle } from "../../ui/page.tsx";

export default function SchedulesPage() {
  usePageTitle("Schedules");
  return (
    <div className="stack">
      <PageHead title="Schedules" />
    </div>
  );
}
