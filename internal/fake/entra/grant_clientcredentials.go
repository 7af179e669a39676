package entra

// clientCredentials is the grant of an application on its own behalf.
func clientCredentials(s *Server, q *tokenRequest) (map[string]any, *OAuthError) {
	if !q.proven {
		return nil, missingCredential()
	}
	if q.tenant == "" {
		return nil, unknownTenant("common")
	}
	return s.respond(q, q.tenant, nil), nil
}
