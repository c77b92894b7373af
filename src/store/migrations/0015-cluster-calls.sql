-- What the Kubernetes API had to take for a try, such as {"create pods": 1, "delete pods": 1}; null where there was no cluster.
alter table attempts add column cluster_calls jsonb;
