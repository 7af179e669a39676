// Package redisstore keeps refresh tokens in Redis or Valkey, for services that run on
// several machines.
//
//	client := redis.NewClient(&redis.Options{Addr: "redis.internal:6379", ContextTimeoutEnabled: true})
//	store, err := redisstore.New(client, nil)
//
// A record is a hash with the fields version and record; saving is a Lua script that
// compares and sets. A lock is a key with a random value and a time to live
// (https://redis.io/docs/latest/commands/set/): only who knows the value can give it back.
// Every operation touches one key, so that all of it works on a cluster.
//
// Without ContextTimeoutEnabled the client goes on for the time limits of its own when the
// context of a call has ended, several seconds for each attempt.
//
// # Durability
//
// A refresh token that is lost costs a new sign-in. Redis loses what it has confirmed
// unless it is told not to, so the store asks the server before its first operation: the
// append-only file must be on, and the eviction policy must not be one that throws out
// keys without a time to live. Two things it cannot see are yours to decide:
// "appendfsync always" also survives a power failure, where the default loses up to a
// second; and replication is asynchronous, so that a failover can lose the newest token
// (https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/).
//
// Tokens are stored as they are. Put a tinkstore around the store to encrypt them.
package redisstore
