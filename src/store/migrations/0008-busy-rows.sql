-- Rows of tries change often while they live. As long as no column of an index changes, a change stays in its page and
-- touches no index: who is live is told by `finished_at`, which changes once, and not by `state`.
drop index attempts_live;
create index attempts_live on attempts (worker_id) where finished_at is null;
alter table attempts set (fillfactor = 60);

-- Nobody lists jobs by project; runs are listed, and their jobs with them.
drop index jobs_by_project;
