// Package postgresstore keeps refresh tokens in PostgreSQL, for services that run on
// several machines.
//
//	pool, err := pgxpool.New(ctx, "postgres://...")
//	store, err := postgresstore.New(pool, nil)
//	err = store.CreateTables(ctx) // or put store.Schema() into your migrations
//
// A record is a row with a version; saving is one statement that compares and sets. A lock
// is a row with a holder and the time at which it ends, by the clock of the server. Unlike
// an advisory lock that needs no connection of its own while a token is being redeemed, so
// that a thousand tenants can do so at once, also behind a connection pooler; unlike one it
// stays until its time has passed when the process that holds it is killed.
//
// Records are durable when Save returns: a server that confirms before it has written is
// told not to (https://www.postgresql.org/docs/current/wal-async-commit.html). Standbys,
// whose records can be old, are refused. Whether a failover can lose confirmed rows is a
// setting of the server (synchronous_standby_names).
//
// Tokens are stored as they are. Put a tinkstore around the store to encrypt them.
package postgresstore
