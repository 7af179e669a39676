package auth

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// TokenFacts is what an access token says about itself, as far as it can be shown to
// others. Which claims there are depends on the API that the token is for:
// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference.
type TokenFacts struct {
	// Opaque says that the token is not a JSON Web Token: of all the other fields
	// only ExpiresOn may be known.
	Opaque bool `json:"opaque,omitempty"`
	// Audience is what the token is for (aud).
	Audience string `json:"audience,omitempty"`
	// Issuer is who made it (iss), and Version the format that was chosen (ver).
	Issuer  string `json:"issuer,omitempty"`
	Version string `json:"version,omitempty"`
	// TenantID is the directory (tid), and AppID the application (appid, azp).
	TenantID string `json:"tenantId,omitempty"`
	AppID    string `json:"appId,omitempty"`
	// Caller is whom the token stands for.
	Caller Caller `json:"caller"`
	// User and ObjectID are the user's sign-in name and ID (upn, oid); empty unless
	// they were asked for, and in the tokens of applications.
	User     string `json:"user,omitempty"`
	ObjectID string `json:"objectId,omitempty"`
	// Roles are the application's permissions (roles), Scopes the delegated ones (scp).
	Roles  []string `json:"roles,omitempty"`
	Scopes []string `json:"scopes,omitempty"`
	// AMR says how the user signed in (amr): "mfa" is what Partner Center looks
	// for. Not all tokens carry it.
	AMR []string `json:"amr,omitempty"`
	// SignedInOn is when the user signed in (auth_time), which few tokens say.
	SignedInOn time.Time `json:"signedInOn,omitzero"`
	// IssuedOn, ValidFrom and ExpiresOn are the token's times (iat, nbf, exp).
	IssuedOn  time.Time `json:"issuedOn,omitzero"`
	ValidFrom time.Time `json:"validFrom,omitzero"`
	ExpiresOn time.Time `json:"expiresOn,omitzero"`
}

// claims are those of an access token that are of interest here. Issuers disagree about
// the types of some, so that one odd value must not cost the others.
type tokenClaims struct {
	Aud               looseStrings `json:"aud"`
	Iss               looseString  `json:"iss"`
	Ver               looseString  `json:"ver"`
	Tid               looseString  `json:"tid"`
	Appid             looseString  `json:"appid"`
	Azp               looseString  `json:"azp"`
	Idtyp             looseString  `json:"idtyp"`
	Oid               looseString  `json:"oid"`
	Sub               looseString  `json:"sub"`
	UPN               looseString  `json:"upn"`
	PreferredUsername looseString  `json:"preferred_username"`
	UniqueName        looseString  `json:"unique_name"`
	Roles             looseStrings `json:"roles"`
	Scp               looseString  `json:"scp"`
	AMR               looseStrings `json:"amr"`
	Iat               looseTime    `json:"iat"`
	Nbf               looseTime    `json:"nbf"`
	Exp               looseTime    `json:"exp"`
	AuthTime          looseTime    `json:"auth_time"`
}

// looseString is a text, or empty for anything else.
type looseString string

// UnmarshalJSON implements [json.Unmarshaler].
func (s *looseString) UnmarshalJSON(b []byte) error {
	var v any
	_ = json.Unmarshal(b, &v) // valid: the decoder has seen it
	text, _ := v.(string)
	*s = looseString(tidy(text, 256, nil))
	return nil
}

// looseStrings is a list of texts or a single one.
type looseStrings []string

// UnmarshalJSON implements [json.Unmarshaler].
func (l *looseStrings) UnmarshalJSON(b []byte) error {
	var v any
	_ = json.Unmarshal(b, &v) // valid: the decoder has seen it
	*l = nil
	items, ok := v.([]any)
	if !ok {
		items = []any{v}
	}
	for _, it := range items[:min(len(items), 64)] {
		if text, ok := it.(string); ok && text != "" {
			*l = append(*l, tidy(text, 256, nil))
		}
	}
	return nil
}

// looseTime is a number of seconds since 1970, which may be written as a text.
type looseTime time.Time

// UnmarshalJSON implements [json.Unmarshaler].
func (t *looseTime) UnmarshalJSON(b []byte) error {
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return nil //nolint:nilerr // the time is unknown then; the rest of the token counts
	}
	const limit = 1 << 37 // beyond the year 6000, where nothing is a time
	if seconds, err := n.Float64(); err == nil && seconds > 0 && seconds < limit {
		*t = looseTime(time.Unix(int64(seconds), 0).UTC())
	}
	return nil
}

// readToken reads a token's claims without verifying it. It returns all there is to know,
// the user's names included.
func readToken(tok Token) TokenFacts {
	opaque := TokenFacts{Opaque: true, ExpiresOn: tok.ExpiresOn}
	parts := strings.Split(tok.Value.Reveal(), ".")
	if len(parts) != 3 {
		return opaque
	}
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return opaque
	}
	var c tokenClaims
	if err := json.Unmarshal(b, &c); err != nil {
		return opaque
	}
	f := TokenFacts{
		Audience: strings.Join(c.Aud, " "), Issuer: string(c.Iss), Version: string(c.Ver), TenantID: string(c.Tid),
		AppID: firstOf(c.Appid, c.Azp), User: firstOf(c.UPN, c.PreferredUsername, c.UniqueName), ObjectID: string(c.Oid),
		Roles: c.Roles, Scopes: strings.Fields(string(c.Scp)), AMR: c.AMR,
		SignedInOn: time.Time(c.AuthTime), IssuedOn: time.Time(c.Iat), ValidFrom: time.Time(c.Nbf), ExpiresOn: time.Time(c.Exp),
	}
	f.Caller = callerOf(c, f)
	return f
}

func firstOf(values ...looseString) string {
	for _, v := range values {
		if v != "" {
			return string(v)
		}
	}
	return ""
}

// callerOf tells the tokens of applications and users apart. The claim that says it is
// optional; delegated permissions and names are what only users have.
func callerOf(c tokenClaims, f TokenFacts) Caller {
	switch {
	case c.Idtyp == "app":
		return AppCaller
	case c.Idtyp != "", c.Scp != "", f.User != "", len(c.AMR) > 0:
		return UserCaller
	case len(c.Roles) > 0, c.Oid != "" && c.Oid == c.Sub:
		return AppCaller
	default:
		return AnyCaller
	}
}

// mfa says whether the token proves multifactor authentication, and whether it says
// anything about it.
func (f TokenFacts) mfa() (proven, said bool) {
	return slices.ContainsFunc(f.AMR, func(m string) bool { return strings.EqualFold(m, "mfa") }), len(f.AMR) > 0
}

// shown is the part of the facts that may be shown.
func (f TokenFacts) shown(user bool) *TokenFacts {
	if !user {
		f.User = ""
		if f.Caller != AppCaller {
			f.ObjectID = ""
		}
	}
	return &f
}
