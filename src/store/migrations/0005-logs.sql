-- Logs: small requests become rows, large ones segments at once; rows are rolled into segments in the background. Both
-- are found by the byte they end with, so that "what comes after byte N" is one range of an index.

alter table logs
  -- Whether the last byte is no line's end: the line goes on.
  add column open_line boolean not null default false,
  -- The step of the last byte.
  add column step text,
  -- Longer than a log may be: what came later was not kept.
  add column cut boolean not null default false,
  add column index_rows int not null default 0,
  -- What is still in `log_chunks`, and until when somebody is rolling it up.
  add column loose_bytes bigint not null default 0,
  add column loose_chunks int not null default 0,
  add column rolling_until timestamptz;
alter table logs set (fillfactor = 60);
create index logs_open on logs (attempt_id) where not sealed;

drop table log_chunks;
create table log_chunks (
  attempt_id text collate "C" not null references logs on delete cascade,
  start_byte bigint not null,
  end_byte bigint not null,
  -- Lines' ends before it and in it.
  first_line bigint not null,
  lines bigint not null,
  -- Where each frame begins, with number, step, stream and time.
  frames bytea not null,
  data bytea not null,
  primary key (attempt_id, end_byte)
);
-- Logs that are worth compressing are compressed as segments.
alter table log_chunks alter column data set storage external, alter column frames set storage external;

alter table log_segments
  add column first_line bigint not null,
  add column lines bigint not null,
  -- How many of the blob's bytes are the log's, compressed; its frames follow.
  add column data_bytes bigint not null,
  drop constraint log_segments_pkey,
  add primary key (attempt_id, end_byte);

alter table log_index
  -- The step is another one than that of the byte before.
  add column begins boolean not null;
create index log_index_steps on log_index (attempt_id, byte) where begins;

alter table forward_positions
  -- Somebody is at it, or it is not to be tried, before then.
  add column next_at timestamptz not null default now(),
  -- The time that the last line was given, in nanoseconds, so that the next one's is later.
  add column last_time numeric not null default 0;
create index forward_positions_due on forward_positions (target, next_at) where not done;
