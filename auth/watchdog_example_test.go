package auth_test

import (
	"context"
	"fmt"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
)

// A service that keeps the refresh tokens of many tenants hears of those that nobody has
// used for long, a month before they lapse.
func ExampleWatchdog() {
	ctx := context.Background()
	store := auth.NewMemoryStore() // a FileStore, or one of a nested module
	for tenant, unused := range map[string]time.Duration{"contoso": 3, "fabrikam": 75, "tailspin": 85} {
		_, err := store.Save(ctx, tenant, auth.Record{
			RefreshToken: partnercenter.NewSecret("refresh-token-of-" + tenant),
			ObtainedAt:   time.Now().Add(-unused * 24 * time.Hour),
		}, "")
		if err != nil {
			fmt.Println(err)
			return
		}
	}

	dog, err := auth.NewWatchdog(store, &auth.WatchdogOptions{
		Notify: func(_ context.Context, h auth.Health) { fmt.Println("alert:", h.Key, h.Status) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	all, err := dog.Check(ctx) // or dog.Run(ctx), which goes on until ctx ends
	fmt.Println(len(all), "tenants", err)
	// Output:
	// alert: tailspin critical
	// alert: fabrikam warning
	// 3 tenants <nil>
}
