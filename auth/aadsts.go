package auth

// explain says in one or two sentences what an AADSTS number means here and what to do
// about it; empty for numbers that need no more than the advice of their kind. Meanings:
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes.
func explain(code int) string {
	switch code {
	case 7000215:
		return "The client secret is wrong. Use the secret's value, not its ID, and check that it belongs to this application."
	case 7000222:
		return "The client secret has expired. Create a new one in the portal; with ClientSecretFunc the program picks it up without a restart."
	case 7000218:
		return "The application must prove its identity. Set App.Credential, or allow public client flows in the registration."
	case 700025:
		return "The registration is a public client and must not send a credential. Leave App.Credential nil."
	case 700027:
		return "The signature of the client assertion was not accepted. Upload the certificate to the registration and check that it has not expired."
	case 700023:
		return "The client assertion's audience is not the token endpoint. Sign it for AssertionRequest.TokenEndpoint."
	case 700024:
		return "The client assertion has expired or is not yet valid. Check the clock, and that the token file is being replaced."
	case 700211:
		return "No federated credential of the registration has this issuer. Compare it with the token's iss claim, to the last slash."
	case 700212:
		return "No federated credential of the registration has this audience, usually api://AzureADTokenExchange."
	case 700213:
		return "No federated credential of the registration has this subject. Compare it with the token's sub claim."
	case 700016:
		return "The tenant does not know the application. Check App.ClientID and App.TenantID, or let an administrator of the tenant consent to it."
	case 500011:
		return "The tenant does not know the resource. Check the resource, or create its service principal in the tenant."
	case 90002:
		return "There is no such tenant. Check App.TenantID; a tenant of another national cloud needs its own authority."
	case 70011, 1002012:
		return "The scope was not accepted. The resource must be one API's identifier, without a permission name."
	case 65001:
		return "The application has no consent for this resource. Let the user or an administrator grant it."
	case 50076, 50079:
		return "Multifactor authentication is required, which this flow cannot do. Sign in interactively, or use an account that may sign in without it."
	case 50074, 50078:
		return "The multifactor sign-in is missing or too old. Let the user sign in interactively again."
	case 53003:
		return "A conditional access policy blocks this sign-in. Ask the tenant's administrator."
	case 50126:
		return "The user name or the password is wrong. The SDK does not repeat the attempt, because repeated ones lock the account."
	case 50053:
		return "The account is locked, or the address is blocked, after too many attempts. Wait, and correct the password first."
	case 50034:
		return "The directory has no such user. Check the user name and the tenant."
	case 50055:
		return "The password has expired. The user must set a new one."
	case 50057:
		return "The account is disabled."
	case 50196:
		return "Entra ID has seen the same request too often and stopped answering it. Find the loop in the program; the same failing request must not be repeated."
	case 700082:
		return "The refresh token has not been used for 90 days. The user must sign in again; redeem tokens more often."
	case 50173:
		return "The user's sessions were revoked, for example by a password reset. The user must sign in again."
	case 70043:
		return "A sign-in frequency policy has ended the session. The user must sign in again."
	case 700084:
		return "The refresh token belongs to a single-page redirect URI and lived 24 hours. Use a web redirect URI."
	case 65004:
		return "The user declined to consent. Sign in again and accept, or ask the tenant's administrator for consent."
	case 90094:
		return "An administrator of the tenant must consent to the application first."
	case 70016:
		return "The user has not signed in yet."
	case 70020:
		return "The user has not signed in in time. Start the sign-in again."
	case 500112:
		return "The redirect URI differs from the one that the sign-in began with. Redeem the callback with the same Consent."
	case 501481, 50148:
		return "The proof key does not belong to this sign-in. Redeem each callback with the Attempt that it began with."
	case 54005:
		return "The authorization code had been redeemed before. If an answer was lost on the way, start the sign-in again."
	case 90038, 900432:
		return "The tenant lives in another national cloud. Set Options.Authority to that cloud's sign-in host."
	default:
		return ""
	}
}
