// An organisation: members, variables, the log of changes.

import { PageHead, usePageTitle } from "../../ui/page.tsx";

export default function OrganisationPage() {
  usePageTitle("Organisation");
  return (
    <div className="stack">
      <PageHead title="Organisation" />
    </div>
  );
}
