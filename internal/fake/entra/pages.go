package entra

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
)

// page is the frame of all sign-in pages. Their wording is the fake's own; the ids of the
// fields are for browsers that are driven by tests.
func page(status int, title, body string, data any) response {
	t := template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>` + title + `</title></head>
<body><h1 id="title">` + title + `</h1>` + body + `</body></html>
`))
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		panic(err) // fixed templates over plain values
	}
	return response{status: status, page: b.Bytes()}
}

// formHead is the beginning of every form.
const formHead = `{{with .Problem}}<p id="problem">{{.}}</p>{{end}}
<form method="post" action="/{{.Tenant}}/login"><input type="hidden" name="session" value="{{.ID}}">`

const cancelButton = `<button id="cancel" name="action" value="cancel" formnovalidate>Cancel</button></form>`

type pageData struct {
	ID, Tenant, Problem, User, App, Resource string
}

func (in *signIn) data(problem string) pageData {
	return pageData{ID: in.id, Tenant: in.tenant, Problem: problem, User: in.upn, App: in.app.ClientID, Resource: in.resource.Audience}
}

func (in *signIn) passwordPage(problem string) response {
	d := in.data(problem)
	d.User = in.hint
	return page(http.StatusOK, "Sign in", formHead+`
<input id="username" name="username" value="{{.User}}" autocomplete="off">
<input id="password" name="password" type="password" autocomplete="off">
<button id="next" name="action" value="password">Sign in</button>`+cancelButton, d)
}

func (in *signIn) codePage(problem string) response {
	return page(http.StatusOK, "Enter code", formHead+`
<p>A second factor is required for {{.User}}.</p>
<input id="code" name="code" autocomplete="off">
<button id="next" name="action" value="code">Verify</button>`+cancelButton, in.data(problem))
}

func (in *signIn) consentPage() response {
	return page(http.StatusOK, "Permissions requested", formHead+`
<p>Application {{.App}} wants to access {{.Resource}} as {{.User}}, and to keep that access.</p>
<button id="next" name="action" value="accept">Accept</button>`+cancelButton, in.data(""))
}

// devicePage asks for the code that a device shows.
func devicePage(problem string) response {
	return page(http.StatusOK, "Enter code", `{{with .Problem}}<p id="problem" role="alert">{{.}}</p>{{end}}
<form method="post"><label for="user_code">The code that your device shows</label>
<input id="user_code" name="user_code" autocomplete="off" autocapitalize="characters" autofocus>
<button id="next">Next</button></form>`, pageData{Problem: problem})
}

// donePage is the last one of a sign-in that goes back to no application.
func donePage(title, text string) response {
	return page(http.StatusOK, title, `<p id="done">{{.}}</p>`, text)
}

// postPage sends the answer as a form, as response_mode=form_post asks for.
func (in *signIn) postPage(v url.Values) response {
	return page(http.StatusOK, "Working...", `<form method="post" action="{{.To}}">
{{range $name, $values := .Fields}}<input type="hidden" name="{{$name}}" value="{{index $values 0}}">{{end}}
<button>Continue</button></form><script>document.forms[0].submit()</script>`,
		map[string]any{"To": template.URL(in.redirect), "Fields": map[string][]string(v)}) //nolint:gosec // a registered redirect URI
}

// errorPage is for what must not be sent back to the application.
func errorPage(e *OAuthError) response {
	return page(http.StatusBadRequest, "Sorry, but we're having trouble signing you in.",
		`<p id="problem">AADSTS{{.Code}}: {{.Text}}</p>`, map[string]string{"Code": strconv.Itoa(e.STS), "Text": e.Text})
}
