-- Handlers of others that answer below the platform's own address.
create table handlers (
  name text primary key,
  -- Either an address that calls are handed on to, or a Service beside the platform's.
  url text,
  service text,
  port integer,
  created_by text not null,
  created_at timestamptz not null default now(),
  check ((url is null) <> (service is null)),
  check ((service is null) = (port is null))
);
