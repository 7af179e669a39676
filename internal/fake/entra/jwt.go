package entra

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"sync"
)

// processKey is the RSA key that all servers of the process sign with. Entra signs
// RS256, and making such a key takes 50 to 300 ms: far too long for each of a
// hundred servers of a test run, and for a server that never signs. The variable is
// assigned once, here.
var processKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // without randomness nothing else works either
	}
	return key
})

// keyID is the kid of a key: the hash of its modulus.
func keyID(pub *rsa.PublicKey) string {
	sum := sha256.Sum256(pub.N.Bytes())
	return base64.RawURLEncoding.EncodeToString(sum[:20])
}

// sign makes a compact JWS of the claims.
func sign(key *rsa.PrivateKey, claims map[string]any) string {
	segment := func(v any) string {
		b, _ := json.Marshal(v) // strings, numbers, lists: cannot fail
		return base64.RawURLEncoding.EncodeToString(b)
	}
	kid := keyID(&key.PublicKey)
	text := segment(map[string]any{"typ": "JWT", "alg": "RS256", "kid": kid, "x5t": kid}) + "." + segment(claims)
	digest := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		panic(err) // a 2048-bit key and a 32-byte digest: cannot happen
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// keys answers the JSON web key set.
func (s *Server) keys() response {
	pub := &s.key().PublicKey
	kid := keyID(pub)
	return ok(map[string]any{"keys": []map[string]string{{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "x5t": kid,
		"n": base64.RawURLEncoding.EncodeToString(pub.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(pub.E)).Bytes()),
	}}})
}
