// One's own password and tokens.

import { PageHead, usePageTitle } from "../../ui/page.tsx";

export default function AccountPage() {
  usePageTitle("Your account");
  return (
    <div className="stack">
      <PageHead title="Your account" />
    </div>
  );
}
