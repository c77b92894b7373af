-- The platform's state. Ids of runs, jobs and attempts are 24 hexadecimal digits that begin with the time of their
-- making, so that their order is the order of creation and pages need no second key. Times are the database's.

create table organisations (
  id bigint generated always as identity primary key,
  name text not null unique check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  -- Share of capacity relative to other organisations, and jobs at the same time (null: no limit).
  weight int not null default 1 check (weight between 1 and 1000),
  max_running_jobs int check (max_running_jobs > 0),
  created_at timestamptz not null default now()
);

create table users (
  id bigint generated always as identity primary key,
  name text not null unique check (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  password_hash text,
  admin boolean not null default false,
  disabled boolean not null default false,
  created_at timestamptz not null default now()
);

create table memberships (
  organisation_id bigint not null references organisations on delete cascade,
  user_id bigint not null references users on delete cascade,
  role text not null check (role in ('owner', 'maintainer', 'reporter', 'reader')),
  primary key (organisation_id, user_id)
);
create index memberships_by_user on memberships (user_id);

create table projects (
  id bigint generated always as identity primary key,
  organisation_id bigint not null references organisations,
  name text not null check (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$'),
  -- Address of the git repository; null where sources are sent.
  repository text,
  default_branch text not null default 'main',
  public boolean not null default false,
  badge_key text not null unique,
  webhook_secret bytea not null,
  -- Seconds between polls of the repository; null: not polled.
  poll_seconds int check (poll_seconds >= 10),
  settings jsonb not null default '{}',
  next_number bigint not null default 1,
  created_at timestamptz not null default now(),
  unique (organisation_id, name)
);

-- Tokens of people, projects and workers. Only the hash is kept.
create table tokens (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('personal', 'project', 'worker')),
  hash bytea not null unique,
  name text not null,
  user_id bigint references users on delete cascade,
  project_id bigint references projects on delete cascade,
  role text check (role in ('owner', 'maintainer', 'reporter', 'reader')),
  scopes text[] not null default '{}',
  classes text[] not null default '{}',
  expires_at timestamptz,
  last_used_at timestamptz,
  created_at timestamptz not null default now()
);
create index tokens_by_user on tokens (user_id);
create index tokens_by_project on tokens (project_id);

create table sessions (
  hash bytea primary key,
  user_id bigint not null references users on delete cascade,
  csrf text not null,
  expires_at timestamptz not null,
  created_at timestamptz not null default now()
);
create index sessions_by_expiry on sessions (expires_at);

-- Variables and secrets, always encrypted. The narrowest scope wins: pipeline, project, organisation.
create table variables (
  id bigint generated always as identity primary key,
  organisation_id bigint not null references organisations on delete cascade,
  project_id bigint references projects on delete cascade,
  pipeline text check (pipeline is null or project_id is not null),
  name text not null check (name ~ '^[A-Za-z_][A-Za-z0-9_]{0,254}$'),
  protected boolean not null,
  value bytea not null,
  key_id text not null,
  branches text[],
  events text[],
  updated_at timestamptz not null default now()
);
create unique index variables_once on variables (organisation_id, coalesce(project_id, 0), coalesce(pipeline, ''), name);
create index variables_by_project on variables (project_id);

-- What a class of jobs may do and where it runs (limits, docker, volumes, host engine, node selectors).
create table classes (
  name text primary key check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  settings jsonb not null default '{}'
);

create table runs (
  id text collate "C" primary key,
  project_id bigint not null references projects on delete cascade,
  organisation_id bigint not null references organisations,
  number bigint not null,
  -- A workflow of the file, or null for a single pipeline.
  workflow text,
  pipeline text,
  event text not null,
  branch text,
  tag text,
  commit_id text collate "C",
  message text not null default '',
  person text,
  trusted boolean not null,
  state text not null default 'planning' check (state in ('planning', 'running', 'finished')),
  outcome text check (outcome in ('passed', 'failed', 'timed-out', 'canceled', 'skipped', 'broken')),
  reason text not null default '',
  -- Problems of planning, the workflow's graph, variables of the trigger (encrypted), concurrency.
  plan jsonb not null default '{}',
  trigger_variables bytea,
  priority int not null default 0,
  source_key text,
  rerun_of text,
  caused_by text,
  concurrency_group text,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  unique (project_id, number)
);
create index runs_by_project on runs (project_id, id desc);
create index runs_by_organisation on runs (organisation_id, id desc);
create index runs_by_branch on runs (project_id, branch, id desc);
create index runs_by_workflow on runs (project_id, workflow, id desc);
create index runs_by_outcome on runs (project_id, outcome, id desc);
create index runs_by_person on runs (project_id, person, id desc);
create index runs_by_event on runs (project_id, event, id desc);
create index runs_by_commit on runs (project_id, commit_id, id desc);
create index runs_unfinished on runs (state, id) where state <> 'finished';
create index runs_by_group on runs (project_id, concurrency_group, id) where concurrency_group is not null and state <> 'finished';
create index runs_expiring on runs (finished_at) where state = 'finished';

create table jobs (
  id text collate "C" primary key,
  run_id text collate "C" not null references runs on delete cascade,
  project_id bigint not null,
  organisation_id bigint not null,
  -- Name in the workflow, unique in the run together with the combination.
  name text not null,
  pipeline text not null,
  combination text not null default '',
  class text not null,
  state text not null check (state in ('waiting', 'queued', 'claimed', 'running', 'finished')),
  outcome text check (outcome in ('passed', 'failed', 'timed-out', 'canceled', 'skipped', 'broken')),
  -- Stable code and one sentence: of the outcome, or why the job waits.
  reason text not null default '',
  message text not null default '',
  priority int not null default 0,
  available_at timestamptz not null default now(),
  requires text[] not null default '{}',
  approval text check (approval in ('wanted', 'given', 'refused')),
  environment text,
  concurrency_group text,
  -- The job itself (core/job.ts), without a secret value.
  spec jsonb not null,
  trusted boolean not null,
  attempt int not null default 0,
  max_attempts int not null default 3,
  repeatable boolean not null default false,
  cancel_requested boolean not null default false,
  output_key text,
  created_at timestamptz not null default now(),
  queued_at timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  unique (run_id, name, combination)
);
create index jobs_queued on jobs (class, organisation_id, priority desc, id) where state = 'queued';
create index jobs_delayed on jobs (available_at) where state = 'queued';
create index jobs_active on jobs (organisation_id) where state in ('claimed', 'running');
create index jobs_waiting on jobs (run_id) where state = 'waiting';
create index jobs_by_group on jobs (project_id, concurrency_group, id) where concurrency_group is not null and state <> 'finished';
create index jobs_by_project on jobs (project_id, id desc);

create table workers (
  id text collate "C" primary key,
  name text not null,
  token_id bigint references tokens on delete set null,
  classes text[] not null,
  labels jsonb not null default '{}',
  capacity int not null check (capacity > 0),
  draining boolean not null default false,
  version text not null default '',
  lease_until timestamptz not null,
  created_at timestamptz not null default now()
);

-- One try at a job. The epoch fences: every write of a runner or worker names it, a stale one has no effect.
create table attempts (
  id text collate "C" primary key,
  job_id text collate "C" not null references jobs on delete cascade,
  run_id text collate "C" not null,
  number int not null,
  epoch bigint not null default 1,
  state text not null check (state in ('claimed', 'running', 'finished')),
  worker_id text collate "C",
  launcher_ref text,
  claim_hash bytea not null,
  claim_nonce text,
  key_hash bytea,
  step_began boolean not null default false,
  heartbeat_at timestamptz,
  cancel_reason jsonb,
  -- High-water marks of what is stored: events by number, log chunks by number.
  events_stored bigint not null default 0,
  chunks_stored bigint not null default 0,
  terminal jsonb,
  outcome text,
  reason text not null default '',
  message text not null default '',
  claimed_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  unique (job_id, number)
);
create index attempts_by_claim on attempts (claim_hash) where state <> 'finished';
create index attempts_by_key on attempts (key_hash) where key_hash is not null and state <> 'finished';
create index attempts_live on attempts (worker_id) where state <> 'finished';
create index attempts_by_heartbeat on attempts (heartbeat_at) where state <> 'finished';
create index attempts_by_run on attempts (run_id);

-- What runners say, but for log chunks: append-only, read by the reporter in order of id.
create table events (
  id bigint generated always as identity primary key,
  attempt_id text collate "C" not null references attempts on delete cascade,
  seq bigint not null,
  run_id text collate "C" not null,
  body jsonb not null,
  received_at timestamptz not null default now(),
  unique (attempt_id, seq)
);
create index events_by_run on events (run_id, id);

-- One row an attempt's log; its bytes are in blobs as segments, the newest still in `log_chunks`.
create table logs (
  attempt_id text collate "C" primary key references attempts on delete cascade,
  run_id text collate "C" not null,
  bytes bigint not null default 0,
  lines bigint not null default 0,
  sealed boolean not null default false,
  updated_at timestamptz not null default now()
);

create table log_chunks (
  attempt_id text collate "C" not null references logs on delete cascade,
  seq bigint not null,
  start_byte bigint not null,
  data bytea not null,
  primary key (attempt_id, seq)
);

create table log_segments (
  attempt_id text collate "C" not null references logs on delete cascade,
  start_byte bigint not null,
  end_byte bigint not null,
  blob_key text not null,
  primary key (attempt_id, start_byte)
);

-- One row per 1,000 lines and at each change of step.
create table log_index (
  attempt_id text collate "C" not null references logs on delete cascade,
  line bigint not null,
  byte bigint not null,
  time timestamptz not null,
  step text not null,
  stream text not null,
  primary key (attempt_id, line, byte)
);

create table artifacts (
  id bigint generated always as identity primary key,
  run_id text collate "C" not null references runs on delete cascade,
  job_id text collate "C" not null references jobs on delete cascade,
  attempt_id text collate "C" not null,
  name text not null,
  blob_key text not null,
  files bigint not null,
  bytes bigint not null,
  expires_at timestamptz,
  created_at timestamptz not null default now(),
  unique (attempt_id, name)
);
create index artifacts_by_run on artifacts (run_id);
create index artifacts_expiring on artifacts (expires_at) where expires_at is not null;

-- Caches by trust: a scope is `default`, `branch:NAME` or `untrusted:NAME`.
create table caches (
  project_id bigint not null references projects on delete cascade,
  scope text not null,
  key text not null,
  blob_key text not null,
  bytes bigint not null,
  files bigint not null,
  created_at timestamptz not null default now(),
  used_at timestamptz not null default now(),
  primary key (project_id, scope, key)
);
create index caches_by_use on caches (used_at);

-- Every blob that is named somewhere; the sweep removes what is not.
create table blobs (
  key text collate "C" primary key,
  bytes bigint not null,
  sha256 bytea,
  created_at timestamptz not null default now()
);
create index blobs_by_age on blobs (created_at);

create table test_results (
  project_id bigint not null references projects on delete cascade,
  run_id text collate "C" not null references runs on delete cascade,
  job_id text collate "C" not null,
  suite text not null,
  name text not null,
  outcome text not null check (outcome in ('passed', 'failed', 'skipped')),
  duration_ms int,
  message text not null default '',
  primary key (run_id, job_id, suite, name)
);
create index test_history on test_results (project_id, suite, name, run_id desc);

create table schedules (
  id bigint generated always as identity primary key,
  project_id bigint not null references projects on delete cascade,
  name text not null,
  cron text not null,
  time_zone text not null default 'UTC',
  branch text,
  workflow text,
  variables bytea,
  enabled boolean not null default true,
  next_at timestamptz not null,
  last_run_id text,
  unique (project_id, name)
);
create index schedules_due on schedules (next_at) where enabled;

create table deliveries (
  -- Webhook deliveries that were accepted: a second one with the same id is answered and not done again.
  project_id bigint not null references projects on delete cascade,
  delivery_id text not null,
  received_at timestamptz not null default now(),
  run_ids text[] not null default '{}',
  primary key (project_id, delivery_id)
);

create table idempotency_keys (
  principal text not null,
  key text not null,
  request_hash bytea not null,
  status int,
  body jsonb,
  created_at timestamptz not null default now(),
  primary key (principal, key)
);

create table audit_log (
  id bigint generated always as identity primary key,
  organisation_id bigint,
  project_id bigint,
  actor text not null,
  action text not null,
  subject text not null,
  details jsonb not null default '{}',
  at timestamptz not null default now()
);
create index audit_by_organisation on audit_log (organisation_id, id desc);

create table forward_positions (
  -- How far each outside log service has been given each log.
  target text not null,
  attempt_id text collate "C" not null references logs on delete cascade,
  byte bigint not null default 0,
  done boolean not null default false,
  primary key (target, attempt_id)
);
