// Workers, what they serve and whether they live; classes of jobs and what they allow.

import { PageHead, usePageTitle } from "../../ui/page.tsx";

export default function WorkersPage() {
  usePageTitle("Workers and classes");
  return (
    <div className="stack">
      <PageHead title="Workers and classes" />
    </div>
  );
}
