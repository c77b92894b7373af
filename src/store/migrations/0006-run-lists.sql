-- Lists of runs, sources that are sent, and what a look at a repository has seen.

-- How a run ended or stands, what started it, and its workflow, in one text: `passed push deploy`. It takes few values in
-- a project, so that a list of any of them is put together from the newest of each. Neither state nor event holds a space.
alter table runs add column facets text collate "C"
  generated always as (coalesce(outcome, state) || ' ' || event || ' ' || coalesce(workflow, '')) stored;

drop index runs_by_project;
drop index runs_by_branch;
drop index runs_by_workflow;
drop index runs_by_outcome;
drop index runs_by_person;
drop index runs_by_event;
drop index runs_by_commit;
-- All columns in one direction, so that a page begins at a comparison of rows.
create index runs_by_project on runs (project_id, id);
create index runs_by_branch on runs (project_id, branch, id) where branch is not null;
create index runs_by_facets on runs (project_id, facets, id);
create index runs_by_branch_facets on runs (project_id, branch, facets, id) where branch is not null;
create index runs_by_person_facets on runs (project_id, person, facets, id) where person is not null;
create index runs_by_branch_person_facets on runs (project_id, branch, person, facets, id)
  where branch is not null and person is not null;
create index runs_by_commit_facets on runs (project_id, commit_id, facets, id) where commit_id is not null;

create index artifacts_by_run_name on artifacts (run_id, id);
drop index artifacts_by_run;

-- Failing tests first.
create index test_results_by_outcome on test_results (run_id, outcome, job_id, suite, name);

-- Working trees that were sent, and for which project. The row goes with its blob.
create table sent_sources (
  blob_key text collate "C" primary key references blobs on delete cascade,
  project_id bigint not null references projects on delete cascade,
  person text not null,
  sent_at timestamptz not null default now()
);
create index sent_sources_by_project on sent_sources (project_id);

-- Heads of a repository as the last look or webhook saw them. Of another address they count for nothing.
create table repository_heads (
  project_id bigint not null references projects on delete cascade,
  ref text collate "C" not null,
  commit_id text collate "C" not null,
  primary key (project_id, ref)
);
alter table projects
  add column polled_repository text,
  add column next_poll_at timestamptz;
create index projects_polled on projects (next_poll_at) where poll_seconds is not null;
