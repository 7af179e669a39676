package postgresstore_test

import (
	"context"
	"log"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/postgresstore"
)

// A program that is configured by its environment, with
// PARTNERCENTER_REFRESH_TOKEN_STORE=postgres://app@db.example/tokens.
func Example_environment() {
	source, err := auth.FromEnvironment(&auth.Options{
		OpenStore: func(location string) (auth.TokenStore, error) {
			pool, err := pgxpool.New(context.Background(), location)
			if err != nil {
				return nil, err
			}
			return postgresstore.New(pool, nil)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = source.Close() }()
}
