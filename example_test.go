package partnercenter_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// What the service refuses is one type, whichever API it was. What kind of refusal it is,
// errors.Is tells.
func ExampleError() {
	// As a method of the API packages returns it.
	var err error = &partnercenter.Error{
		Method: "POST", Path: "/v1.0/payouts/transactionhistory", StatusCode: 429, Attempts: 1, RetryAfter: 2 * time.Minute,
	}
	switch e, ok := errors.AsType[*partnercenter.Error](err); {
	case errors.Is(err, partnercenter.ErrThrottled) && ok:
		fmt.Println("again in", e.RetryAfter)
	case errors.Is(err, partnercenter.ErrInteractionRequired):
		fmt.Println("somebody must sign in:", err)
	default:
		fmt.Println(err)
	}
	// Output: again in 2m0s
}

// Secrets do not print, however they are printed.
func ExampleSecret() {
	token := partnercenter.NewSecret("eyJ0eXAi...")
	fmt.Printf("%v %+v %q %x\n", token, token, token, token)
	fmt.Println(len(token.Reveal()))
	// Output:
	// [redacted] [redacted] [redacted] [redacted]
	// 11
}
