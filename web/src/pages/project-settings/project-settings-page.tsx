// Settings of a project: repository, badge, webhook, tokens, deleting it.

import { PageHead, usePageTitle } from "../../ui/page.tsx";

export default function ProjectSettingsPage() {
  usePageTitle("Settings");
  return (
    <div className="stack">
      <PageHead title="Settings" />
    </div>
  );
}
