// Package postgresstore keeps refresh tokens in PostgreSQL, for services that run on
// several machines.
//
//	pool, err := pgxpool.New(ctx, "postgres://...")
//	store, err := postgresstore.New(pool, nil)
//	err = store.CreateTables(ctx) // or put store.Schema() into your migrations
//
// A record is a row with a version; saving is one statement that compares and sets. A lock
// is a row too, with a holder and the time at which it ends by the server's clock.
//
// PostgreSQL's advisory locks are not used, although they end by themselves with the
// process that holds them. One belongs to a connection, and would occupy it for as long as
// the redemption takes: as many as there are tenants at work, and none left to save the
// token through when the pool is small. Behind a pooler that shares connections between
// transactions, such as PgBouncer (https://www.pgbouncer.org/features.html), one is taken
// on a connection that the next statement may not get back. The price of rows is that the
// lock of a killed process stays for the rest of its lease ([Options.LeaseTime]), in which
// others make do with the access tokens that they have. The lock keeps a token from being
// redeemed twice; that no save overwrites another is up to the version.
//
// Records are durable when Save returns: a server that confirms before it has written is
// told not to (https://www.postgresql.org/docs/current/wal-async-commit.html). Standbys,
// whose records can be old, are refused. Whether a failover can lose confirmed rows is a
// setting of the server (synchronous_standby_names).
//
// Tokens are stored as they are. Put a tinkstore around the store to encrypt them.
package postgresstore
