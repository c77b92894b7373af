-- What the queue and the reporter need beside the first tables.

-- Tokens and keys of attempts carry the attempt's id, so that nothing has to be looked for by hash.
drop index attempts_by_claim;
drop index attempts_by_key;

-- Signs of life come every few seconds: without an index over their time, and with room in the page, they touch nothing
-- but the row. Live attempts are few and found by `attempts_live`.
drop index attempts_by_heartbeat;
alter table attempts set (fillfactor = 80);

-- Only jobs that could start now are `queued`; whatever waits for something (also for its next try) is `waiting`, so
-- that a claim never has to step over a job.
drop index jobs_delayed;
create index jobs_retrying on jobs (available_at) where state = 'waiting' and reason = 'retry';
create index jobs_held on jobs (project_id, concurrency_group, id) where state = 'waiting' and reason = 'concurrency-group';

alter table jobs
  -- The request, `{"kind","reason","message","at"}`; `cancel_requested` says that there is one.
  add column cancel jsonb,
  add column cancel_in_progress boolean not null default false,
  -- Values that stood in the file as plain text (`SLIPWAY_CREDENTIAL_n`), encrypted.
  add column literal_secrets bytea;

alter table attempts
  -- When a worker last saw the runner alive; kept only for attempts that are silent.
  add column seen_alive_at timestamptz;

alter table runs
  -- A reporter that plans the run names itself here; another one may take over when the time is up.
  add column planning_token text,
  add column planning_until timestamptz,
  add column planning_tries int not null default 0;

-- Runs to look at because something of them has changed. Rows are only added and removed, so nobody waits for another.
create table run_changes (
  id bigint generated always as identity primary key,
  run_id text collate "C" not null
);

-- Since when the api has been able to hear runners without a break, and when it last could.
create table hearing (
  one boolean primary key default true check (one),
  since timestamptz not null,
  at timestamptz not null
);

-- Foreign keys that a deletion follows.
create index artifacts_by_job on artifacts (job_id);
create index forward_positions_by_attempt on forward_positions (attempt_id);
create index runs_by_caused on runs (caused_by) where caused_by is not null;
create index deliveries_by_age on deliveries (received_at);
create index idempotency_keys_by_age on idempotency_keys (created_at);
