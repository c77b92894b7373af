-- Caches of jobs that have not ended: what a job sends becomes a cache only in the transaction that lets it pass.
create table pending_caches (
  attempt_id text collate "C" not null references attempts on delete cascade,
  key text not null,
  blob_key text not null,
  bytes bigint not null,
  files bigint not null,
  primary key (attempt_id, key)
);
-- The sweep asks whether anything still names a blob.
create index pending_caches_by_blob on pending_caches (blob_key);
create index caches_by_blob on caches (blob_key);
