package kit

// Claims is what the APIs look at in a token.
type Claims struct {
	// Audience is the resource that the token is for.
	Audience string
	// UserID is the user's object id, empty in app-only tokens.
	UserID string
	// AMR says how the user signed in.
	AMR []string
}
