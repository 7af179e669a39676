package redisstore_test

import (
	"log"

	"github.com/redis/go-redis/v9"

	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/redisstore"
)

// A program that is configured by its environment, with
// PARTNERCENTER_REFRESH_TOKEN_STORE=redis://tokens.example:6379/0.
func Example_environment() {
	source, err := auth.FromEnvironment(&auth.Options{
		OpenStore: func(location string) (auth.TokenStore, error) {
			opts, err := redis.ParseURL(location)
			if err != nil {
				return nil, err
			}
			opts.ContextTimeoutEnabled = true // what the store is asked in time ends in time
			return redisstore.New(redis.NewClient(opts), nil)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = source.Close() }()
}
