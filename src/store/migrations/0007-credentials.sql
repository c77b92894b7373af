-- How the project's repository is reached, sealed: `user:token` for https, a private key for ssh.
alter table projects add column credential bytea;
