-- Runs once, when the database folder is new: who may connect, and to which database.
-- The consumers own the ledger and see all tenants; the gateway is held by row-level security.
\set ledger_password `cat "${SECRETS:-/run/secrets}/ledger_password"`
\set gateway_password `cat "${SECRETS:-/run/secrets}/gateway_password"`
\set keycloak_password `cat "${SECRETS:-/run/secrets}/keycloak_db_password"`

CREATE ROLE helixnet LOGIN BYPASSRLS PASSWORD :'ledger_password';
CREATE ROLE helix_gateway LOGIN NOBYPASSRLS PASSWORD :'gateway_password';
CREATE ROLE keycloak LOGIN PASSWORD :'keycloak_password';

CREATE DATABASE helixnet OWNER helixnet ENCODING 'UTF8' TEMPLATE template0;
CREATE DATABASE keycloak OWNER keycloak ENCODING 'UTF8' TEMPLATE template0;
REVOKE CONNECT ON DATABASE helixnet, keycloak, postgres FROM PUBLIC;
GRANT CONNECT ON DATABASE helixnet TO helix_gateway;
