package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// ErrNotDurable says that the server may lose what it has confirmed.
var ErrNotDurable = errors.New("the Redis server may lose records")

// checkDurability asks the server, until it has once been found in order, whether what it
// confirms stays. That happens before a token is redeemed, not when its successor needs a
// home.
func (s *Store) checkDurability(ctx context.Context) error {
	if s.opts.SkipDurabilityCheck || s.durable.Load() {
		return nil
	}
	persistence, err := s.client.Info(ctx, "persistence").Result()
	if err != nil {
		return notTold(ended(ctx, err))
	}
	memory, err := s.client.Info(ctx, "memory").Result()
	if err != nil {
		return notTold(ended(ctx, err))
	}
	if infoField(persistence, "aof_enabled") != "1" {
		return fmt.Errorf("redisstore: %w: its append-only file is off; set \"appendonly yes\", or Options.SkipDurabilityCheck if you accept new sign-ins after a restart", ErrNotDurable)
	}
	if policy := infoField(memory, "maxmemory_policy"); strings.HasPrefix(policy, "allkeys-") {
		return fmt.Errorf("redisstore: %w: when memory is short, its policy %q throws out tokens; set maxmemory-policy to noeviction or volatile-lru, or Options.SkipDurabilityCheck", ErrNotDurable, policy)
	}
	s.durable.Store(true)
	return nil
}

// notTold is the error of a server that does not answer INFO.
func notTold(err error) error {
	if _, refused := errors.AsType[redis.Error](err); refused {
		return fmt.Errorf("redisstore: cannot find out whether the server keeps records; allow the command INFO, or set Options.SkipDurabilityCheck: %w", err)
	}
	return fmt.Errorf("redisstore: asking the server whether it keeps records: %w", err)
}

// infoField returns a field of the answer to INFO.
func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
