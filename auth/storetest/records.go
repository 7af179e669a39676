package storetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
)

// tokenMark is in every refresh token of the tests.
const tokenMark = "storetest-canary-"

// sample is a record with all fields set and all that may be mangled on the way. Its
// number is in the token; number returns it.
func sample(n int) auth.Record {
	at := time.Date(2026, 2, 28, 23, 59, 59, 123456789, time.FixedZone("", 5*3600+1800)).Add(time.Duration(n) * time.Second)
	return auth.Record{
		RefreshToken:  partnercenter.NewSecret(fmt.Sprintf("%s%d-0.AXcA_-~+/=.<&>%%'\"\\\t\u2028ü€😀", tokenMark, n)),
		ClientID:      "11111111-2222-4333-8444-555555555555",
		TenantID:      "contoso.example",
		AuthorityHost: "login.partner.microsoftonline.cn:8443",
		ObtainedAt:    at,
		LastUsedAt:    at.Add(-time.Hour),
		SignedInAt:    at.Add(-1000 * time.Hour),
		Extra: map[string]json.RawMessage{
			"from_the_future": json.RawMessage(`{"Big":123456789012345678901234567890,"tiny":1.0,"html":"<&>","none":null,"list":[true,"\u0000"]}`),
			"REFRESH_TOKEN":   json.RawMessage(`"` + tokenMark + `of another name"`),
			"":                json.RawMessage(`0`),
		},
	}
}

// number is the number of a sample, -1 if it is none.
func number(r auth.Record) int {
	rest, ok := strings.CutPrefix(r.RefreshToken.Reveal(), tokenMark)
	digits, _, found := strings.Cut(rest, "-")
	n, err := strconv.Atoi(digits)
	if !ok || !found || err != nil {
		return -1
	}
	return n
}

// sized is a sample whose refresh token has a length in bytes.
func sized(n, size int) auth.Record {
	r := sample(n)
	token := r.RefreshToken.Reveal()
	r.RefreshToken = partnercenter.NewSecret(token + strings.Repeat("z", max(0, size-len(token))))
	return r
}

// difference says in which fields two records differ, and "" if in none.
func difference(got, want auth.Record) string {
	a, err := auth.MarshalRecord(got)
	if err != nil {
		return err.Error()
	}
	b, err := auth.MarshalRecord(want)
	if err != nil {
		return err.Error()
	}
	if bytes.Equal(a, b) {
		return ""
	}
	var x, y map[string]json.RawMessage
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return "records differ"
	}
	all := maps.Clone(x)
	maps.Copy(all, y)
	var names []string
	for name := range all {
		if !bytes.Equal(x[name], y[name]) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return fmt.Sprintf("number %d, want %d; these fields differ: %q", number(got), number(want), names)
}
