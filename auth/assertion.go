package auth

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// assertionType is the client_assertion_type of a JWT.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// signedAssertion makes the statement by which a certificate proves an application's
// identity, in the form of
// https://learn.microsoft.com/entra/identity-platform/certificate-credentials. MSAL makes
// its own wherever it sends one; this is for the grant where it sends none.
func signedAssertion(c Certificate, chain bool, clientID, audience string, now time.Time) (string, error) {
	parts := c.reveal()
	thumbprint := sha256.Sum256(parts.chain[0].Raw)
	header := map[string]any{
		"alg": "PS256", "typ": "JWT",
		// The padding is not what RFC 7515 asks for, but what MSAL sends.
		"x5t#S256": base64.StdEncoding.EncodeToString(thumbprint[:]),
	}
	if chain {
		var x5c []string
		for _, cert := range parts.chain {
			x5c = append(x5c, base64.StdEncoding.EncodeToString(cert.Raw))
		}
		header["x5c"] = x5c
	}
	claims := map[string]any{
		"aud": audience, "iss": clientID, "sub": clientID, "jti": uuid.NewString(),
		"nbf": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
	}
	var text string
	for _, part := range []map[string]any{header, claims} {
		b, err := json.Marshal(part)
		if err != nil {
			return "", fmt.Errorf("auth: making the client assertion: %w", err)
		}
		text += base64.RawURLEncoding.EncodeToString(b) + "."
	}
	text = text[:len(text)-1]
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPSS(rand.Reader, parts.key, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	if err != nil {
		return "", fmt.Errorf("auth: signing the client assertion: %w", scrubbed(err))
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
