-- All that a try was said to wait for, in the words of whoever was waited for, each once: its runner puts it into the job's log.
alter table attempts add column waited text[] not null default '{}';
