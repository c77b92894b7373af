-- Jobs that wait or run, as people look at the queue: by state, organisation and class. It counts what runs, too.
create index jobs_open on jobs (state, organisation_id, class, id) where state <> 'finished';
drop index jobs_active;
