package auth

import (
	"context"
	"net/url"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/partnercenter-go/partnercenter"
)

// exchange is the work for one token as the HTTP layer sees it. MSAL hands its context
// on to every request, which is how the two ends meet.
type exchange struct {
	// correlationID goes out with every request of the exchange.
	correlationID string
	// authenticate adds the application's proof to forms that MSAL sends without
	// one; nil when there is none to add.
	authenticate func(ctx context.Context, endpoint string, form url.Values) error
	// once forbids to send a form again that may have been acted upon: what it
	// redeems may work once only.
	once bool

	mu sync.Mutex
	// seed is what MSAL's cache shall hold; nil for nothing.
	seed []byte
	// refreshToken is the newest that an answer has brought.
	refreshToken partnercenter.Secret
	// secrets are the values that must not appear in any text: what was sent and
	// what came back.
	secrets []string
	// realm is the kind of account that home realm discovery reported.
	realm string
}

type exchangeKey struct{}

func newExchange() *exchange { return &exchange{correlationID: uuid.NewString()} }

func (x *exchange) attach(ctx context.Context) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

// exchangeOf finds the exchange of a request. A request without one cannot come from
// this package; it gets an exchange of its own so that nothing has to check for nil.
func exchangeOf(ctx context.Context) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return newExchange()
}

// know adds values that must not appear in any text.
func (x *exchange) know(secrets ...string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, s := range secrets {
		if s != "" {
			x.secrets = append(x.secrets, s)
		}
	}
}

// known returns what know has been told.
func (x *exchange) known() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clip(x.secrets)
}

// plant sets what MSAL's cache shall hold.
func (x *exchange) plant(seed []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.seed = seed
}

// contents returns what MSAL's cache shall hold.
func (x *exchange) contents() []byte {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.seed == nil {
		return []byte("{}")
	}
	return x.seed
}

// brought notes the refresh token of an answer.
func (x *exchange) brought(refreshToken string) {
	if refreshToken == "" {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.refreshToken = partnercenter.NewSecret(refreshToken)
}

// takeRefreshToken returns the refresh token that the answers have brought; zero if none has.
func (x *exchange) takeRefreshToken() partnercenter.Secret {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.refreshToken
}

// seen notes the kind of account that home realm discovery reported.
func (x *exchange) seen(realm string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.realm = realm
}

// strangeRealm returns the kind of account when it is none that can sign in.
func (x *exchange) strangeRealm() (realm string, strange bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.realm, x.realm != "" && x.realm != "Managed" && x.realm != "Federated"
}
