//! Queries of PostgreSQL's catalogue, about the schema that comes first on the search path.

/// Lists all tables in SQLite's order, but that of the migrations and those for several servers, which SQLite lacks.
pub(super) const TABLES: &str = "SELECT c.relname::text FROM pg_class AS c WHERE c.relkind IN ('r', 'p') \
     AND c.relnamespace = current_schema()::regnamespace \
     AND c.relname NOT IN ('seaql_migrations', 'batches', 'leases', 'nodes', 'cluster') \
     ORDER BY c.relname COLLATE \"C\"";
/// Lists name and type of the columns of the table `$1`, but the key that servers share, which SQLite lacks: the next
/// one that starts makes another.
pub(super) const COLUMNS: &str = "SELECT a.attname::text, t.typname::text FROM pg_attribute AS a \
     JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_type AS t ON t.oid = a.atttypid \
     WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = $1 AND a.attnum > 0 AND NOT a.attisdropped \
     AND a.attname <> 'relay_key'";
/// Lists the columns of the primary key, in its order.
pub(super) const KEY: &str = "SELECT a.attname::text FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid \
     JOIN LATERAL UNNEST(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place) ON TRUE \
     JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.attnum \
     WHERE i.indisprimary AND c.relnamespace = current_schema()::regnamespace AND c.relname = $1 ORDER BY k.place";
/// Lists a statement that drops each index and foreign key, and one that makes it again.
pub(super) const LATER: &str = "SELECT 'DROP INDEX ' || i.indexrelid::regclass, pg_get_indexdef(i.indexrelid), \
     1 AS place \
     FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid \
     WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND NOT i.indisprimary \
     AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = i.indexrelid) \
     UNION ALL SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname), \
     format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)), 2 \
     FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace ORDER BY place";
/// Lists tables with a counter, the counted column and the sequence.
pub(super) const SEQUENCES: &str = "SELECT t.relname::text, a.attname::text, s.oid::regclass::text FROM pg_class AS s \
     JOIN pg_depend AS d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') \
     JOIN pg_class AS t ON t.oid = d.refobjid \
     JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid \
     WHERE s.relkind = 'S' AND t.relnamespace = current_schema()::regnamespace";
