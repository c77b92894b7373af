-- Blobs that no row names go a day later. Which these are is written down when naming begins and ends, so that the sweep
-- reads only what is to go, however much is kept.

alter table blobs add column unnamed_since timestamptz default now();
create index blobs_unnamed on blobs (unnamed_since) where unnamed_since is not null;
drop index blobs_by_age;

-- An output is an artifact like any other.
alter table jobs drop column output_key;

create index artifacts_by_blob on artifacts (blob_key);
create index caches_by_blob on caches (blob_key);
create index log_segments_by_blob on log_segments (blob_key);
create index runs_by_source on runs (source_key) where source_key is not null;

create function blob_named() returns trigger language plpgsql as $$
begin
  update blobs set unnamed_since = null where key = new.blob_key and unnamed_since is not null;
  return null;
end $$;

-- Something else may still name it: the sweep looks before it removes.
create function blob_unnamed() returns trigger language plpgsql as $$
begin
  update blobs set unnamed_since = now() where key = old.blob_key;
  return null;
end $$;

create function source_named() returns trigger language plpgsql as $$
begin
  update blobs set unnamed_since = null where key = new.source_key and unnamed_since is not null;
  return null;
end $$;

create function source_unnamed() returns trigger language plpgsql as $$
begin
  update blobs set unnamed_since = now() where key = old.source_key;
  return null;
end $$;

create trigger named after insert on artifacts for each row execute function blob_named();
create trigger unnamed after delete on artifacts for each row execute function blob_unnamed();
create trigger named after insert on caches for each row execute function blob_named();
create trigger unnamed after delete on caches for each row execute function blob_unnamed();
create trigger renamed_from after update of blob_key on caches for each row
  when (old.blob_key is distinct from new.blob_key) execute function blob_unnamed();
create trigger renamed_to after update of blob_key on caches for each row
  when (old.blob_key is distinct from new.blob_key) execute function blob_named();
create trigger named after insert on log_segments for each row execute function blob_named();
create trigger unnamed after delete on log_segments for each row execute function blob_unnamed();
create trigger named after insert on runs for each row when (new.source_key is not null) execute function source_named();
create trigger unnamed after delete on runs for each row when (old.source_key is not null) execute function source_unnamed();
