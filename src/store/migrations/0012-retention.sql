-- How long each project keeps its runs, and the logs and artifacts of them. Never longer than the server: it takes the shorter one.
alter table projects
  add column run_days int check (run_days > 0),
  add column log_days int check (log_days > 0),
  -- Of its runs up to this id, logs and artifacts are gone already.
  add column logs_gone_to text collate "C" not null default '';
update projects set run_days = (settings->>'retentionDays')::int
  where (settings->>'retentionDays')::int > 0;

-- A log that was printed and is not kept any longer is another thing than one in which nothing was ever printed.
alter table logs add column removed_at timestamptz;
