-- A job's row moves four times, and each time every index is opened and its condition looked at. Two of them nobody needs:
-- the jobs of a run that wait are found by the run, those that stand in line for a group by `jobs_by_group`.
drop index jobs_waiting;
drop index jobs_held;
