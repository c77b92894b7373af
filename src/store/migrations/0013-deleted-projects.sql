-- A project that was deleted: seen by nobody, and removed portion by portion. Its name is free at once, and what it is
-- called instead can stand in no address.
alter table projects
  add column deleted_at timestamptz,
  drop constraint projects_name_check,
  add constraint projects_name_check check (deleted_at is not null or name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$');
create index projects_deleted on projects (deleted_at) where deleted_at is not null;
