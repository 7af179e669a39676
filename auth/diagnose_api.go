package auth

import (
	"fmt"
	"net/url"
	"strings"
)

// Caller says whom a token stands for.
type Caller int

// Callers.
const (
	// AnyCaller is either of the others, or unknown.
	AnyCaller Caller = iota
	// AppCaller is the application itself.
	AppCaller
	// UserCaller is a user, for whom an application acts.
	UserCaller
)

// String returns "anybody", "application" or "user".
func (c Caller) String() string {
	switch c {
	case AppCaller:
		return "application"
	case UserCaller:
		return "user"
	case AnyCaller:
		return "anybody"
	default:
		return fmt.Sprintf("Caller(%d)", int(c))
	}
}

// MarshalText implements [encoding.TextMarshaler] with String.
func (c Caller) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// API is what [Diagnose] needs to know of an API.
type API struct {
	// Name is for people.
	Name string `json:"name"`
	// Resource is the audience of its tokens.
	Resource string `json:"resource"`
	// AppID is the API's own application ID, which some tokens carry as audience
	// in place of Resource. Empty: unknown.
	AppID string `json:"appId,omitempty"`
	// Caller is whom a token must stand for, by its documentation.
	Caller Caller `json:"caller"`
	// Permission says in words what the caller must be allowed to do.
	Permission string `json:"permission,omitempty"`
	// Endpoint is its base URL, scheme and host.
	Endpoint string `json:"endpoint,omitempty"`
	// ProbePath is the path, with its query, of a GET that changes nothing, whatever
	// it finds. Empty: the API is not asked anything.
	ProbePath string `json:"probePath,omitempty"`
}

func (a API) validate() error {
	switch {
	case a.Resource == "":
		return fmt.Errorf("auth: API %q has no Resource", a.Name)
	case a.ProbePath == "":
		return nil
	case a.Endpoint == "":
		return fmt.Errorf("auth: API %q has a ProbePath but no Endpoint", a.Name)
	case !strings.HasPrefix(a.ProbePath, "/"):
		return fmt.Errorf("auth: API %q: ProbePath %q must begin with a slash", a.Name, a.ProbePath)
	}
	u, err := url.Parse(a.ProbePath)
	if err != nil || u.Host != "" {
		return fmt.Errorf("auth: API %q: ProbePath %q is not a path", a.Name, a.ProbePath)
	}
	return nil
}

// resources of the Partner Center APIs and the applications behind them.
const (
	partnerResource      = "https://api.partner.microsoft.com"
	partnerApp           = "4990cffe-04e8-4e8b-808a-1175604b879f"
	partnerCenterRes     = "https://api.partnercenter.microsoft.com"
	partnerCenterApp     = "fa3d9a0c-3fb0-42cc-9193-47c7ecd2edbd"
	retiredGraphResource = "https://graph.windows.net"
)

// PartnerAPIs returns the APIs of this module as their documentation describes them. The
// result is the caller's to change.
//
//   - payouts: https://learn.microsoft.com/partner-center/developer/earnings-payments
//   - analytics, marketplace: https://learn.microsoft.com/partner-center/insights/analytics-prerequisites
//   - analytics, partner: https://learn.microsoft.com/partner-center/insights/insights-programmatic-prerequisites
//   - ingestion: https://learn.microsoft.com/partner-center/marketplace/submission-api-overview
func PartnerAPIs() []API {
	return []API{
		{
			Name: "payouts", Resource: partnerResource, AppID: partnerApp, Caller: UserCaller,
			Permission: "the delegated permission user_impersonation, and a user who sees earnings in Partner Center",
			Endpoint:   partnerResource,
			// There is no such export, so that a good token gets 404 and nothing
			// of anybody's is touched.
			ProbePath: "/v1.0/payouts/payments/00000000-0000-0000-0000-000000000000",
		},
		{
			Name: "analytics (marketplace)", Resource: partnerCenterRes, AppID: partnerCenterApp, Caller: AppCaller,
			Permission: "an application that is listed in Partner Center under User management with a role that sees insights",
			Endpoint:   partnerCenterRes, ProbePath: "/insights/v1.1/cmp/ScheduledDataset",
		},
		{
			Name: "analytics (partner)", Resource: partnerCenterRes, AppID: partnerCenterApp, Caller: UserCaller,
			Permission: "a user with the role of an executive report viewer",
			Endpoint:   partnerCenterRes, ProbePath: "/insights/v1/mpn/ScheduledDataset",
		},
		{
			Name: "ingestion", Resource: partnerResource, AppID: partnerApp, Caller: AnyCaller,
			Permission: "an application that is listed in Partner Center under User management with the role Manager, or a user with that role",
			Endpoint:   partnerResource, ProbePath: "/v1.0/ingestion/products?$top=1",
		},
	}
}
