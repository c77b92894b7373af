// What waits and why, by class and organisation.

import { PageHead, usePageTitle } from "../../ui/page.tsx";

export default function QueuePage() {
  usePageTitle("Queue");
  return (
    <div className="stack">
      <PageHead title="Queue" />
    </div>
  );
}
