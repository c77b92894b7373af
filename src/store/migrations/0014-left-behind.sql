-- Tries that somebody else has ended than the worker that had them: what it had made of them, should it be dead, is cleared away
-- by another worker of its place, which is told by name. Kept until one has had its time for that.
create table left_behind (
  attempt_id text primary key,
  epoch bigint not null,
  place text not null,
  -- Who had it, and then who was told to clear it away.
  worker_id text not null,
  told boolean not null default false,
  since timestamptz not null default now()
);
