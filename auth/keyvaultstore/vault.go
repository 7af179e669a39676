package keyvaultstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
)

// Client is what a [Vault] needs of Key Vault. An *azsecrets.Client has it.
type Client interface {
	SetSecret(ctx context.Context, name string, parameters azsecrets.SetSecretParameters, options *azsecrets.SetSecretOptions) (azsecrets.SetSecretResponse, error)
	GetSecret(ctx context.Context, name, version string, options *azsecrets.GetSecretOptions) (azsecrets.GetSecretResponse, error)
	UpdateSecretProperties(ctx context.Context, name, version string, parameters azsecrets.UpdateSecretPropertiesParameters, options *azsecrets.UpdateSecretPropertiesOptions) (azsecrets.UpdateSecretPropertiesResponse, error)
}

// Options tunes a [Vault]. The zero value, and a nil pointer, mean the defaults.
type Options struct {
	// Prefix starts the name of every secret: letters, digits and dashes, at most 40.
	// Default "partnercenter".
	Prefix string
}

const (
	defaultPrefix = "partnercenter"
	maxPrefix     = 40
	// maxValue is the size that Key Vault documents for a secret:
	// https://learn.microsoft.com/azure/key-vault/secrets/about-secrets.
	maxValue    = 25 * 1024
	contentType = "application/json"
)

// Vault is an [auth.Vault] in Azure Key Vault. It is safe for concurrent use.
type Vault struct {
	client Client
	prefix string
}

// New returns a store that keeps its secrets in Key Vault and everything else in an index.
// It sends nothing.
func New(client Client, index auth.TokenStore, opts *Options) (*auth.VaultStore, error) {
	v, err := NewVault(client, opts)
	if err != nil {
		return nil, err
	}
	return auth.NewVaultStore(v, index)
}

// NewVault returns only the part of [New] that talks to Key Vault.
func NewVault(client Client, opts *Options) (*Vault, error) {
	if client == nil {
		return nil, errors.New("keyvaultstore: a client is needed; make one with azsecrets.NewClient")
	}
	v := &Vault{client: client, prefix: defaultPrefix}
	if opts != nil && opts.Prefix != "" {
		v.prefix = opts.Prefix
	}
	if len(v.prefix) > maxPrefix || plain(v.prefix) != v.prefix {
		return nil, fmt.Errorf("keyvaultstore: Options.Prefix %.80q must be letters, digits and dashes, at most %d", v.prefix, maxPrefix)
	}
	return v, nil
}

// Put implements [auth.Vault]: a new version of the secret that is named after the key.
func (v *Vault) Put(ctx context.Context, key string, secret partnercenter.Secret) (string, error) {
	value := secret.Reveal()
	if len(value) > maxValue {
		return "", fmt.Errorf("keyvaultstore: %d bytes, a secret can have %d: %w", len(value), maxValue, auth.ErrTooLarge)
	}
	name := v.name(key)
	resp, err := v.client.SetSecret(ctx, name, azsecrets.SetSecretParameters{Value: &value, ContentType: new(contentType)}, nil)
	if err != nil {
		return "", failure("cannot set", name, err)
	}
	if resp.ID == nil || resp.ID.Version() == "" {
		return "", fmt.Errorf("keyvaultstore: secret %s: the answer names no version", name)
	}
	return name + "/" + resp.ID.Version(), nil
}

// Get implements [auth.Vault].
func (v *Vault) Get(ctx context.Context, ref string) (partnercenter.Secret, error) {
	name, version, ok := strings.Cut(ref, "/")
	if !ok || version == "" {
		return partnercenter.Secret{}, fmt.Errorf("keyvaultstore: %q is not a reference to a version of a secret: %w", ref, auth.ErrNoRecord)
	}
	resp, err := v.client.GetSecret(ctx, name, version, nil)
	if err != nil {
		return partnercenter.Secret{}, failure("cannot get", ref, err)
	}
	if resp.Value == nil {
		return partnercenter.Secret{}, fmt.Errorf("keyvaultstore: secret %s has no value: %w", ref, auth.ErrNoRecord)
	}
	return partnercenter.NewSecret(*resp.Value), nil
}

// Remove implements [auth.Vault]: it disables the version, since Key Vault deletes secrets
// only with all their versions.
func (v *Vault) Remove(ctx context.Context, ref string) error {
	name, version, ok := strings.Cut(ref, "/")
	if !ok || version == "" {
		return nil
	}
	_, err := v.client.UpdateSecretProperties(ctx, name, version, azsecrets.UpdateSecretPropertiesParameters{
		SecretAttributes: &azsecrets.SecretAttributes{Enabled: new(false)},
	}, nil)
	if err != nil && status(err) != http.StatusNotFound {
		return failure("cannot disable", ref, err)
	}
	return nil
}

// String describes the vault.
func (v *Vault) String() string { return "Key Vault secrets named " + v.prefix + "-*" }

// name makes the name of a secret, which can have 127 letters, digits and dashes, and is
// compared without case. People recognise the key in it; the hash tells keys apart.
func (v *Vault) name(key string) string {
	sum := sha256.Sum256([]byte(key))
	return v.prefix + "-" + plain(key[:min(len(key), 40)]) + "-" + hex.EncodeToString(sum[:16])
}

// plain replaces what cannot be in the name of a secret.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, text)
}
