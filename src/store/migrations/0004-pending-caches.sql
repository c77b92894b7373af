-- Caches of jobs that have not ended: what a job sends becomes a cache only in the transaction that lets it pass.
create table pending_caches (
  attempt_id text collate "C" not null references attempts on delete cascade,
  key text not null,
  blob_key text not null,
  bytes bigint not null,
  files bigint not null,
  primary key (attempt_id, key)
);
create index pending_caches_by_blob on pending_caches (blob_key);

create trigger named after insert on pending_caches for each row execute function blob_named();
create trigger unnamed after delete on pending_caches for each row execute function blob_unnamed();
create trigger renamed_from after update of blob_key on pending_caches for each row
  when (old.blob_key is distinct from new.blob_key) execute function blob_unnamed();
create trigger renamed_to after update of blob_key on pending_caches for each row
  when (old.blob_key is distinct from new.blob_key) execute function blob_named();

-- An artifact that is sent again has another blob.
create trigger renamed_from after update of blob_key on artifacts for each row
  when (old.blob_key is distinct from new.blob_key) execute function blob_unnamed();
create trigger renamed_to after update of blob_key on artifacts for each row
  when (old.blob_key is distinct from new.blob_key) execute function blob_named();
