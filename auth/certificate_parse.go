package auth

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/partnercenter-go/partnercenter"
)

// ParseCertificate reads a certificate with its private key from the contents of a file,
// which may be
//
//   - PEM: one unencrypted private key (PKCS #1 or PKCS #8) and one or more certificates,
//     in any order. Encrypted keys are refused; the file's permissions must protect it.
//   - PFX, also called PKCS #12 (.pfx, .p12), encrypted with password, which may be
//     empty. Legacy and current (AES) encryption both work.
//
// The format is recognised by the contents. No error quotes them.
func ParseCertificate(data []byte, password partnercenter.Secret) (Certificate, error) {
	switch {
	case len(data) == 0:
		return Certificate{}, errors.New("auth: the certificate file is empty")
	case bytes.Contains(data, []byte("-----BEGIN ")):
		return parsePEM(data)
	default:
		return parsePFX(data, password)
	}
}

func parsePEM(data []byte) (Certificate, error) {
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
			return Certificate{}, errors.New("auth: the private key in the PEM file is encrypted; use a PFX file, or decrypt it with \"openssl pkcs8 -in key.pem -out plain.pem\"")
		case block.Type == "EC PRIVATE KEY":
			return Certificate{}, errors.New("auth: the private key in the PEM file is for elliptic curves; Entra ID accepts RSA keys only")
		}
	}
	certificates, key, err := confidential.CertFromPEM(data, "")
	if err != nil {
		return Certificate{}, fmt.Errorf("auth: reading the PEM file: %w; it must hold a certificate and its private key", scrubbed(err))
	}
	return NewCertificate(certificates, key)
}

func parsePFX(data []byte, password partnercenter.Secret) (Certificate, error) {
	key, leaf, others, err := pkcs12.DecodeChain(data, password.Reveal())
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return Certificate{}, errors.New("auth: the password of the PFX file is wrong")
	case err != nil:
		return Certificate{}, fmt.Errorf("auth: the certificate file is neither PEM nor a PFX file that can be read: %w", scrubbed(err, password.Reveal()))
	}
	return NewCertificate(append([]*x509.Certificate{leaf}, others...), key)
}
