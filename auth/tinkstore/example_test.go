package tinkstore_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/tinkstore"
)

// What lies in the inner store is of no use without the key. In production the keyset
// comes from a key management service; this one lives as long as the example.
func Example() {
	ctx := context.Background()
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		fmt.Println(err)
		return
	}
	cipher, err := aead.New(handle)
	if err != nil {
		fmt.Println(err)
		return
	}
	inner := auth.NewMemoryStore()
	store, err := tinkstore.New(inner, cipher, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := store.Save(ctx, "contoso", auth.Record{RefreshToken: partnercenter.NewSecret("0.AXo...")}, ""); err != nil {
		fmt.Println(err)
		return
	}
	stolen, _, err := inner.Load(ctx, "contoso")
	fmt.Println(strings.Contains(stolen.RefreshToken.Reveal(), "0.AXo"), err)
	opened, _, err := store.Load(ctx, "contoso")
	fmt.Println(opened.RefreshToken.Reveal(), err)
	// Output:
	// false <nil>
	// 0.AXo... <nil>
}
