package entra

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
)

// accessClaims is an access token as it is read back.
type accessClaims struct {
	Audience string   `json:"aud"`
	TenantID string   `json:"tid"`
	AppID    string   `json:"appid"`
	Party    string   `json:"azp"`
	Kind     string   `json:"idtyp"`
	ObjectID string   `json:"oid"`
	UPN      string   `json:"upn"`
	Roles    []string `json:"roles"`
	Scopes   string   `json:"scp"`
	AMR      []string `json:"amr"`
	IssuedAt int64    `json:"iat"`
	Expires  int64    `json:"exp"`
	Server   string   `json:"rh"`
}

// read verifies a token by its signature, as an API does that keeps no list of tokens:
// one of a server that has been restarted is as good as a new one. The lock is held.
func (s *Server) read(token string) (Claims, bool) {
	text, signature, ok := cutLast(token, '.')
	if !ok {
		return Claims{}, false
	}
	_, payload, ok := strings.Cut(text, ".")
	if !ok {
		return Claims{}, false
	}
	sig, err := base64.RawURLEncoding.Strict().DecodeString(signature)
	if err != nil {
		return Claims{}, false
	}
	j := jws{text: text, signature: sig}
	j.header.Alg = "RS256"
	if !j.signedBy(&s.key().PublicKey) {
		return Claims{}, false
	}
	var in accessClaims
	b, err := base64.RawURLEncoding.Strict().DecodeString(payload)
	if err != nil || json.Unmarshal(b, &in) != nil {
		return Claims{}, false
	}
	// The key may be that of other servers, too; id tokens are no access tokens.
	if in.Server != s.id {
		return Claims{}, false
	}
	c := Claims{
		Audience: in.Audience, TenantID: in.TenantID, AppID: in.AppID + in.Party, Roles: in.Roles, AMR: in.AMR,
		IssuedAt: time.Unix(in.IssuedAt, 0).UTC(), ExpiresOn: time.Unix(in.Expires, 0).UTC(),
	}
	for _, r := range s.resources {
		if r.TokenVersion == 2 && r.AppID == in.Audience {
			c.Audience = r.Audience
		}
	}
	if in.Kind == "user" {
		c.UserID, c.UPN, c.Scopes = in.ObjectID, in.UPN, strings.Fields(in.Scopes)
	}
	return c, true
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// tokenHash is how a token is remembered that must not be accepted again: the fingerprint
// under which recorded requests show it.
func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:8])
}

// signer returns the function that gives the configured key, or that of the process.
func signer(key *rsa.PrivateKey) func() *rsa.PrivateKey {
	if key == nil {
		return processKey
	}
	return func() *rsa.PrivateKey { return key }
}
