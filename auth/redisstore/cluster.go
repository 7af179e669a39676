package redisstore

import (
	"context"
	"sync"

	"github.com/redis/go-redis/v9"
)

// everyPrimary collects keys from every server that has records and yields them when all
// have answered. Yield reports whether to go on.
func (s *Store) everyPrimary(ctx context.Context, collect func(context.Context, redis.Cmdable) ([]string, error), yield func(string) bool) error {
	var mu sync.Mutex
	var all []string
	gather := func(ctx context.Context, c redis.Cmdable) error {
		keys, err := collect(ctx, c)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, keys...)
		return nil
	}
	each := func(ctx context.Context, c *redis.Client) error { return gather(ctx, c) }
	var err error
	switch c := s.client.(type) {
	case *redis.ClusterClient:
		err = c.ForEachMaster(ctx, each)
	case *redis.Ring:
		err = c.ForEachShard(ctx, each)
	default:
		err = gather(ctx, c)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	for _, key := range all {
		if !yield(key) {
			break
		}
	}
	return nil
}
