package entra

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// jwtBearer is the only client_assertion_type there is.
const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" //nolint:gosec // the name of a type

// tokenExchange is the audience of federated assertions unless a credential says otherwise.
const tokenExchange = "api://AzureADTokenExchange" //nolint:gosec // the name of an audience

// Trust lets every certificate of a subject that an authority has issued prove an
// application's identity, as long as the client sends the chain.
type Trust struct {
	// Subject is the common name of the certificate.
	Subject string
	// Roots are the authorities.
	Roots *x509.CertPool
}

// FederatedCredential lets the tokens of another identity provider prove an application's
// identity: https://learn.microsoft.com/entra/workload-id/workload-identity-federation.
type FederatedCredential struct {
	// Issuer, Subject and Audience must be those of the token. Audience defaults to
	// "api://AzureADTokenExchange".
	Issuer, Subject, Audience string
	// Key is the issuer's; tokens are signed with RS256.
	Key *rsa.PublicKey
}

// jws is a parsed client assertion.
type jws struct {
	text      string // what is signed
	signature []byte
	header    struct {
		Alg  string   `json:"alg"`
		X5T  string   `json:"x5t#S256"`
		X5C  [][]byte `json:"x5c"`
		Type string   `json:"typ"`
	}
	claims struct {
		Audience string `json:"aud"`
		Issuer   string `json:"iss"`
		Subject  string `json:"sub"`
		ID       string `json:"jti"`
		Begin    int64  `json:"nbf"`
		End      int64  `json:"exp"`
	}
}

func parseJWS(s string) (*jws, error) {
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return nil, errors.New("it has not three parts")
	}
	var out jws
	out.text = parts[0] + "." + parts[1]
	for i, into := range []any{&out.header, &out.claims} {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(b, into); err != nil {
			return nil, err
		}
	}
	var err error
	out.signature, err = base64.RawURLEncoding.DecodeString(parts[2])
	return &out, err
}

// signedBy checks the signature.
func (j *jws) signedBy(key *rsa.PublicKey) bool {
	digest := sha256.Sum256([]byte(j.text))
	switch j.header.Alg {
	case "PS256":
		return rsa.VerifyPSS(key, crypto.SHA256, digest[:], j.signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	case "RS256":
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], j.signature) == nil
	}
	return false
}

// checkAssertion verifies a client assertion; the lock is held.
func (s *Server) checkAssertion(q *tokenRequest, endpoint string) *OAuthError {
	refuse := func(code int, text string) *OAuthError {
		return &OAuthError{Code: "invalid_client", STS: code, Text: text}
	}
	if q.form.Get("client_assertion_type") != jwtBearer {
		return refuse(50027, "The client_assertion_type is missing or not supported.")
	}
	j, err := parseJWS(q.form.Get("client_assertion"))
	if err != nil {
		return refuse(50027, "The client assertion is malformed: "+err.Error())
	}
	now := s.now()
	if now.Before(time.Unix(j.claims.Begin, 0).Add(-5*time.Minute)) || now.After(time.Unix(j.claims.End, 0).Add(5*time.Minute)) {
		return refuse(700024, "The client assertion is not within its valid time range.")
	}
	if j.claims.Issuer != q.app.ClientID {
		if e := checkFederated(q.app, j, refuse); e != nil {
			return e
		}
		q.proven = true
		return nil
	}
	switch {
	case j.claims.Subject != q.app.ClientID:
		return refuse(700021, "The client assertion's subject is not the application.")
	case j.claims.Audience != endpoint:
		return refuse(700023, "The client assertion's audience is not this token endpoint.")
	case j.claims.End-j.claims.Begin > int64(24*time.Hour/time.Second):
		return refuse(700024, "The client assertion is valid for too long.")
	}
	cert := s.certificateOf(q.app, j)
	switch {
	case cert == nil:
		return refuse(700027, "The certificate of the client assertion is not registered on the application.")
	case now.After(cert.NotAfter):
		return refuse(700027, "The certificate of the client assertion has expired.")
	}
	if key, ok := cert.PublicKey.(*rsa.PublicKey); !ok || !j.signedBy(key) {
		return refuse(700027, "The signature of the client assertion does not match its certificate.")
	}
	q.proven = true
	return nil
}

// certificateOf finds the certificate that an assertion names.
func (s *Server) certificateOf(app App, j *jws) *x509.Certificate {
	thumbprint, err := base64.StdEncoding.DecodeString(j.header.X5T)
	if err != nil {
		if thumbprint, err = base64.RawURLEncoding.DecodeString(j.header.X5T); err != nil {
			return nil
		}
	}
	for _, c := range app.Certificates {
		if sum := sha256.Sum256(c.Raw); bytes.Equal(sum[:], thumbprint) {
			return c
		}
	}
	var chain []*x509.Certificate
	for _, raw := range j.header.X5C {
		c, err := x509.ParseCertificate(raw)
		if err != nil {
			return nil
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 {
		return nil
	}
	if sum := sha256.Sum256(chain[0].Raw); !bytes.Equal(sum[:], thumbprint) {
		return nil
	}
	// RFC 7515, 4.1.6: each certificate is followed by its issuer.
	for i, c := range chain[1:] {
		if chain[i].CheckSignatureFrom(c) != nil {
			return nil
		}
	}
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	for _, t := range app.Trusts {
		_, err := chain[0].Verify(x509.VerifyOptions{
			Roots: t.Roots, Intermediates: intermediates, CurrentTime: s.now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
		})
		if err == nil && chain[0].Subject.CommonName == t.Subject {
			return chain[0]
		}
	}
	return nil
}

// checkFederated verifies the token of another identity provider.
func checkFederated(app App, j *jws, refuse func(int, string) *OAuthError) *OAuthError {
	issuer := slices.IndexFunc(app.Federated, func(f FederatedCredential) bool { return f.Issuer == j.claims.Issuer })
	if issuer < 0 {
		return refuse(700211, "No federated credential has the issuer '"+j.claims.Issuer+"'.")
	}
	for _, f := range app.Federated {
		if f.Issuer != j.claims.Issuer || f.Subject != j.claims.Subject {
			continue
		}
		audience := f.Audience
		if audience == "" {
			audience = tokenExchange
		}
		switch {
		case j.claims.Audience != audience:
			return refuse(700212, "No federated credential has the audience '"+j.claims.Audience+"'.")
		case j.header.Alg != "RS256" || !j.signedBy(f.Key):
			return refuse(700027, "The signature of the client assertion is not the issuer's.")
		}
		return nil
	}
	return refuse(700213, "No federated credential has the subject '"+j.claims.Subject+"'.")
}
