package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"
	"unicode/utf8"

	"github.com/partnercenter-go/partnercenter"
)

// recordSchema is the schema that this version of the module writes. It rises only when
// an older version must not touch a record; new fields do not need that, because older
// versions keep what they do not know.
const recordSchema = 1

// MaxRecordSize bounds a serialised record, in bytes. Refresh tokens of Entra ID have one
// to two thousand.
const MaxRecordSize = 64 << 10

// Record is what a [TokenStore] keeps: a refresh token and what is known about it.
//
// It is serialised by [MarshalRecord] only. Whatever else turns it into text, encoding/json
// and log/slog included, shows neither the token nor unknown fields.
type Record struct {
	// RefreshToken is the newest refresh token.
	RefreshToken partnercenter.Secret
	// ClientID is the application that it was issued to; no other can redeem it.
	ClientID string
	// TenantID is the directory that issued it.
	TenantID string
	// AuthorityHost is the sign-in host of its cloud, without scheme. The token must
	// be sent nowhere else.
	AuthorityHost string
	// ObtainedAt is when this refresh token was issued.
	ObtainedAt time.Time
	// LastUsedAt is when it or one of its predecessors was last redeemed with
	// success. Zero means never.
	LastUsedAt time.Time
	// SignedInAt is when the user signed in, with multifactor authentication, to
	// start the chain of tokens that this one belongs to. Zero means unknown.
	SignedInAt time.Time
	// Schema is the schema number of a loaded record. Zero means the present one.
	Schema int
	// Extra holds fields of the serialised form that this version of the module does
	// not know. They are written back as they were. Their names must not be those
	// of known fields.
	Extra map[string]json.RawMessage
}

// Names of the fields in the serialised form.
const (
	fieldSchema        = "schema"
	fieldRefreshToken  = "refresh_token"
	fieldClientID      = "client_id"
	fieldTenantID      = "tenant_id"
	fieldAuthorityHost = "authority_host"
	fieldObtainedAt    = "obtained_at"
	fieldLastUsedAt    = "last_used_at"
	fieldSignedInAt    = "signed_in_at"
)

// recordFields lists the fields of the serialised form and where they are in r.
func recordFields(r *Record, token *string) map[string]any {
	return map[string]any{
		fieldSchema:        &r.Schema,
		fieldRefreshToken:  token,
		fieldClientID:      &r.ClientID,
		fieldTenantID:      &r.TenantID,
		fieldAuthorityHost: &r.AuthorityHost,
		fieldObtainedAt:    &r.ObtainedAt,
		fieldLastUsedAt:    &r.LastUsedAt,
		fieldSignedInAt:    &r.SignedInAt,
	}
}

// redactedToken is what a refresh token becomes when a record is printed. A store that
// holds it has been filled by a printer.
const redactedToken = "[redacted]"

// MarshalRecord serialises a record, token included, as one JSON object. The result is a
// secret: it belongs into a store and nowhere else.
//
// A record that would not come back as it was is an error: without a refresh token, with
// text that is not UTF-8, with a year that RFC 3339 cannot express, with invalid unknown
// fields. The error matches [ErrTooLarge] when the result has more than [MaxRecordSize]
// bytes, and [ErrNewerSchema] when the record's schema is not ours to write.
func MarshalRecord(r Record) ([]byte, error) {
	token := r.RefreshToken.Reveal()
	switch {
	case token == "":
		return nil, errors.New("auth: the record has no refresh token; saving it would lose the stored one")
	case token == redactedToken:
		return nil, errors.New("auth: the record's refresh token is a redacted print-out; serialise records with MarshalRecord")
	case r.Schema > recordSchema || r.Schema < 0:
		return nil, fmt.Errorf("auth: schema %d: %w", r.Schema, ErrNewerSchema)
	}
	if r.Schema == 0 {
		r.Schema = recordSchema
	}
	fields := recordFields(&r, &token)
	doc := make(map[string]json.RawMessage, len(fields)+len(r.Extra))
	for name, raw := range r.Extra {
		if _, known := fields[name]; known || !utf8.ValidString(name) {
			return nil, fmt.Errorf("auth: Record.Extra must not hold %q", name)
		}
		if !json.Valid(raw) {
			return nil, fmt.Errorf("auth: Record.Extra[%q] is not valid JSON", name)
		}
		doc[name] = raw
	}
	for name, field := range fields {
		raw, err := marshalField(field)
		if err != nil {
			return nil, fmt.Errorf("auth: the record's %s %w", name, err)
		}
		if raw != nil {
			doc[name] = raw
		}
	}
	out, err := encodePlain(doc)
	if err != nil {
		return nil, fmt.Errorf("auth: cannot serialise the record: %w", err)
	}
	if len(out) > MaxRecordSize {
		return nil, fmt.Errorf("auth: the record has %d bytes, at most %d are possible: %w", len(out), MaxRecordSize, ErrTooLarge)
	}
	return out, nil
}

// marshalField serialises one field, nil for one that is not set. Its errors continue
// "the record's NAME".
func marshalField(field any) (json.RawMessage, error) {
	switch v := field.(type) {
	case *string:
		if *v == "" {
			return nil, nil
		}
		if !utf8.ValidString(*v) {
			return nil, errors.New("is not valid UTF-8")
		}
	case *time.Time:
		if v.IsZero() {
			return nil, nil
		}
		t := v.UTC()
		if !writable(t) {
			return nil, fmt.Errorf("is in the year %d, which cannot be written", t.Year())
		}
		return encodePlain(t)
	}
	return encodePlain(field)
}

// writable reports whether RFC 3339 has a form for a time in UTC.
func writable(utc time.Time) bool { return utc.Year() >= 0 && utc.Year() <= 9999 }

// encodePlain is json.Marshal without the escapes for HTML, which would change unknown
// fields and make some tokens six times as long.
func encodePlain(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// UnmarshalRecord reads what [MarshalRecord] has written. Fields that it does not know go
// to Extra; names are compared exactly.
//
// The error matches [ErrUnreadable] when data is not a record and [ErrNewerSchema] when a
// newer version of this module has written it. No error quotes data.
func UnmarshalRecord(data []byte) (Record, error) {
	if len(data) > MaxRecordSize {
		return Record{}, fmt.Errorf("auth: %d bytes are more than a record has: %w", len(data), ErrUnreadable)
	}
	var doc map[string]json.RawMessage
	// Messages of encoding/json can quote what they have read, so they stay here.
	if err := json.Unmarshal(data, &doc); err != nil || doc == nil {
		return Record{}, fmt.Errorf("auth: not a JSON object: %w", ErrUnreadable)
	}
	var r Record
	var token string
	fields := recordFields(&r, &token)
	// The schema first: a newer one may have other types in known fields.
	if raw, ok := doc[fieldSchema]; !ok || json.Unmarshal(raw, &r.Schema) != nil || r.Schema <= 0 {
		return Record{}, fmt.Errorf("auth: no valid schema number: %w", ErrUnreadable)
	}
	if r.Schema > recordSchema {
		return Record{}, fmt.Errorf("auth: schema %d, this program knows %d; update it: %w", r.Schema, recordSchema, ErrNewerSchema)
	}
	for name, field := range fields {
		raw, ok := doc[name]
		if !ok {
			continue
		}
		valid := json.Unmarshal(raw, field) == nil
		if at, ok := field.(*time.Time); ok {
			*at = at.UTC()
			valid = valid && writable(*at)
		}
		if !valid {
			return Record{}, fmt.Errorf("auth: the record's %s is not valid: %w", name, ErrUnreadable)
		}
		delete(doc, name)
	}
	switch token {
	case "":
		return Record{}, fmt.Errorf("auth: the record has no refresh token: %w", ErrUnreadable)
	case redactedToken:
		return Record{}, fmt.Errorf("auth: the record is a redacted print-out: %w", ErrUnreadable)
	}
	r.RefreshToken = partnercenter.NewSecret(token)
	if len(doc) > 0 {
		r.Extra = doc
	}
	return r, nil
}

// String describes the record without its token.
func (r Record) String() string {
	return fmt.Sprintf("refresh token of application %s in tenant %s at %s", r.ClientID, r.TenantID, r.AuthorityHost)
}

// GoString describes the record as String does.
func (r Record) GoString() string { return "auth.Record(" + r.String() + ")" }

// Format implements [fmt.Formatter]: every verb prints what String returns.
func (r Record) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, r.String()) }

// MarshalJSON implements [json.Marshaler] for logs and reports: the token is redacted and
// unknown fields, which may be secrets, are missing. Use [MarshalRecord] to keep a record.
func (r Record) MarshalJSON() ([]byte, error) {
	doc := map[string]any{fieldRefreshToken: redactedToken}
	for _, a := range r.attrs() {
		doc[a.Key] = a.Value.Any()
	}
	return json.Marshal(doc)
}

// LogValue implements [slog.LogValuer]: a group of everything but secrets.
func (r Record) LogValue() slog.Value { return slog.GroupValue(r.attrs()...) }

func (r Record) attrs() []slog.Attr {
	out := []slog.Attr{
		slog.String(fieldClientID, r.ClientID),
		slog.String(fieldTenantID, r.TenantID),
		slog.String(fieldAuthorityHost, r.AuthorityHost),
	}
	for _, a := range []slog.Attr{
		slog.Time(fieldObtainedAt, r.ObtainedAt),
		slog.Time(fieldLastUsedAt, r.LastUsedAt),
		slog.Time(fieldSignedInAt, r.SignedInAt),
	} {
		if !a.Value.Time().IsZero() {
			out = append(out, a)
		}
	}
	return out
}
