package azuritetest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"
	"time"
)

// The account and the key of every Azurite. They are public, see "Connect to
// Azurite" on the page that the package's documentation names.
const (
	account = "devstoreaccount1"
	key     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// Link returns a pre-signed address of one blob, for example "files/app.zip", with
// the given rights until the given time, to the millisecond. It has the parameters
// of the links that Partner Center hands out: a service SAS of version 2018-03-28.
// https://learn.microsoft.com/rest/api/storageservices/create-service-sas
func (s *Server) Link(blob, rights string, expires time.Time) string {
	const version = "2018-03-28"
	end := expires.UTC().Format("2006-01-02T15:04:05.000Z")
	resource := "/blob/" + account + "/" + blob
	// Empty: the start, a stored policy, addresses, protocols and five headers.
	signature := sign(rights, "", end, resource, "", "", "", version, "", "", "", "", "")
	return s.URL + "/" + (&url.URL{Path: blob}).EscapedPath() + "?" + strings.Join([]string{
		"sv=" + version, "sr=b", "sig=" + url.QueryEscape(signature), "se=" + url.QueryEscape(end), "sp=" + rights,
	}, "&")
}

// accountQuery is a pre-signed query for all that the helpers of this package do.
// https://learn.microsoft.com/rest/api/storageservices/create-account-sas
func accountQuery() string {
	const version, rights, services, kinds = "2018-11-09", "rwdlc", "b", "sco"
	end := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
	return url.Values{
		"sv": {version}, "ss": {services}, "srt": {kinds}, "sp": {rights}, "se": {end},
		"sig": {sign(account, rights, services, kinds, "", end, "", "", version, "")},
	}.Encode()
}

func sign(fields ...string) string {
	secret, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		panic(err) // a constant: cannot happen
	}
	mac := hmac.New(sha256.New, secret)
	_, _ = mac.Write([]byte(strings.Join(fields, "\n"))) // never fails
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
