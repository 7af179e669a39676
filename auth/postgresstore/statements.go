package postgresstore

import (
	"strings"

	"github.com/jackc/pgx/v5"
)

// durableCommit makes the commit of its transaction durable where the server's setting
// would let it return earlier. Stronger settings stay.
const durableCommit = `select set_config('synchronous_commit', 'local', true) where current_setting('synchronous_commit') = 'off'`

// statements are the texts of all statements on one pair of tables.
type statements struct {
	schema                             []string
	load, create, update, remove, keys string
	acquire, release                   string
}

// newStatements puts the names of the tables into the statements.
func newStatements(table pgx.Identifier) statements {
	locks := append(pgx.Identifier(nil), table...)
	locks[len(locks)-1] += lockSuffix
	named := strings.NewReplacer("TOKENS", table.Sanitize(), "LOCKS", locks.Sanitize()).Replace
	return statements{
		schema: []string{
			named(`create table if not exists TOKENS (
	key text collate "C" primary key,
	version text not null,
	record bytea not null,
	saved_at timestamptz not null default now()
)`),
			named(`create table if not exists LOCKS (
	key text collate "C" primary key,
	holder text not null,
	ends_at timestamptz not null
)`),
		},
		// One row in any case: where the server stands must be known also when there
		// is no record.
		load: named(`select pg_is_in_recovery(), t.version, t.record
from (select 1) one left join TOKENS t on t.key = $1`),
		create: named(`insert into TOKENS (key, version, record) values ($1, $2, $3) on conflict (key) do nothing`),
		update: named(`update TOKENS set version = $2, record = $3, saved_at = now() where key = $1 and version = $4`),
		remove: named(`delete from TOKENS where key = $1 and version = $2`),
		keys:   named(`select key from TOKENS order by key`),

		// The clock is the server's and does not stand still in a transaction.
		acquire: named(`insert into LOCKS as l (key, holder, ends_at)
values ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')
on conflict (key) do update set holder = excluded.holder, ends_at = excluded.ends_at
where l.ends_at <= clock_timestamp()`),
		release: named(`delete from LOCKS where key = $1 and holder = $2 returning ends_at > clock_timestamp()`),
	}
}
