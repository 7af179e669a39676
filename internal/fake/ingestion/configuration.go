package ingestion

import (
	"net/http"

	"github.com/google/uuid"
)

// getConfiguration reads a package configuration by its id, or by the instance id
// of its draft, as one client does.
func (s *Server) getConfiguration(x *exchange, p *product) reply {
	i := p.find("packageconfigurations", x.arg("id"), x.now)
	if i == nil {
		list := p.drafts("packageconfigurations", x.arg("id"), x.now)
		if len(list) == 0 {
			return x.missing()
		}
		i = list[0]
	}
	return ok(http.StatusOK, i.show())
}

// putConfiguration replaces a package configuration. Tenants and principals must be
// GUIDs, and the packages referred to must exist; that they need be processed is
// not known.
func (s *Server) putConfiguration(x *exchange, p *product, i *item) reply {
	in, body, refused := s.object(x, i.Collection)
	if refused != nil {
		return *refused
	}
	if refused := x.checkUpdate(i, in); refused != nil {
		return *refused
	}
	bad := make(faults)
	if body.text("resourceType") != i.Body.text("resourceType") {
		bad.add("resourceType", "The field resourceType cannot be changed.")
	}
	for _, cloud := range []string{"publicAzure", "azureGovernment"} {
		checkGUID(bad, cloud+"TenantID", body.text(cloud+"TenantID"))
		for _, a := range body.objects(cloud + "Authorizations") {
			checkGUID(bad, cloud+"Authorizations.principalID", a.text("principalID"))
		}
	}
	for _, ref := range body.objects("packageReferences") {
		if p.find("packages", ref.text("value"), x.now) == nil {
			bad.add("packageReferences", "The package "+ref.text("value")+" does not exist.")
		}
	}
	if len(bad) > 0 {
		return x.invalid(bad)
	}
	return s.replace(x, i, body)
}

func checkGUID(bad faults, name, value string) {
	if value != "" && uuid.Validate(value) != nil {
		bad.add(name, "Enter a valid GUID")
	}
}

// The secrets of lead configurations, which readers do not see: the fake's choice,
// for no source shows an answer.
func leadSecrets() []string {
	return []string{"connectionString", "password", "applicationKey", "httpsEndpointUri"}
}

// secretMask stands for a secret that is there.
const secretMask = "********"

// getLead reads the lead configuration. That there is none before the first POST is
// the fake's choice.
func (s *Server) getLead(x *exchange, p *product) reply {
	if p.Lead == nil {
		return x.missing()
	}
	return ok(http.StatusOK, x.masked(p.Lead))
}

// postLead replaces the lead configuration. A secret that comes back masked stays
// what it was.
func (s *Server) postLead(x *exchange, p *product) reply {
	_, body, refused := s.object(x, "leadconfiguration")
	if refused != nil {
		return *refused
	}
	for _, name := range leadSecrets() {
		if body.text(name) != secretMask {
			continue
		}
		if body.del(name); p.Lead.has(name) {
			body.set(name, p.Lead.get(name))
		}
	}
	p.Lead, _ = s.kinds["leadconfiguration"].read(body) // in order
	return ok(http.StatusOK, x.masked(p.Lead))
}

func (x *exchange) masked(o object) object {
	out := o.clone()
	for _, name := range leadSecrets() {
		if out.has(name) && !x.settings.ShowSecrets {
			out.set(name, secretMask)
		}
	}
	return out
}

func (s *Server) getReseller(_ *exchange, p *product) reply { return ok(http.StatusOK, p.Reseller) }

// postReseller replaces the reseller configuration. The older word OptIn is refused.
func (s *Server) postReseller(x *exchange, p *product) reply {
	_, body, refused := s.object(x, "resellerconfiguration")
	if refused != nil {
		return *refused
	}
	p.Reseller = body
	return ok(http.StatusOK, body)
}

// getSupplemental and putSupplemental read and replace what is added for
// certification, by the instance id of its draft. Every file named gets an id and a
// link to upload it to. Committing answers with the content.
func (s *Server) getSupplemental(x *exchange, _ *product, i *item) reply {
	out := i.show()
	assets := out.objects("assets")
	for n := range assets {
		assets[n].set("fileSasUri", s.uploadLink(x, "/file/"+assets[n].text("assetID")))
	}
	if assets != nil {
		out.set("assets", assets)
	}
	return ok(http.StatusOK, out)
}

func (s *Server) putSupplemental(x *exchange, p *product, i *item) reply {
	in, body, refused := s.object(x, i.Collection)
	if refused != nil {
		return *refused
	}
	if refused := x.checkUpdate(i, in); refused != nil {
		return *refused
	}
	assets := body.objects("assets")
	for n := range assets {
		assets[n].del("fileSasUri") // made anew for every answer
		if assets[n].text("assetID") == "" {
			assets[n].set("assetID", s.nextNumber(fileBase))
		}
	}
	if assets != nil {
		body.set("assets", assets)
	}
	i.Body, i.ETag = body, s.etag(x.now)
	return s.getSupplemental(x, p, i).with("Etag", i.ETag)
}
