package ingestion

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

type handler func(*Server, *exchange) reply

// route is an operation. Names in braces stand for an id.
type route struct {
	method, path string
	segments     []string
	serve        handler
}

// Operations lists what the server answers, as "METHOD /path" with the path below
// [Prefix].
func Operations() []string {
	var list []string
	for _, r := range routes() {
		list = append(list, r.method+" "+r.path)
	}
	return list
}

func routes() []route {
	list := []route{
		get("/products", (*Server).getProducts),
		post("/products", (*Server).postProduct),
		get("/products/{product}", of((*Server).getProduct)),
		del("/products/{product}", of((*Server).deleteProduct)),
		get("/products/{product}/setup", of((*Server).getSetup)),
		post("/products/{product}/setup", of((*Server).postSetup)),
		get("/products/{product}/branches/getByModule(module={module})", of((*Server).getBranches)),

		get("/products/{product}/variants", of((*Server).getVariants)),
		post("/products/{product}/variants", of((*Server).postVariant)),
		get("/products/{product}/variants/{id}", of(item1("variants", (*Server).getItem))),
		put("/products/{product}/variants/{id}", of(item1("variants", (*Server).putVariant))),
		del("/products/{product}/variants/{id}", of(item1("variants", (*Server).deleteVariant))),

		get("/products/{product}/leadconfiguration", of((*Server).getLead)),
		post("/products/{product}/leadconfiguration", of((*Server).postLead)),
		get("/products/{product}/resellerConfiguration", of((*Server).getReseller)),
		post("/products/{product}/resellerConfiguration", of((*Server).postReseller)),

		get("/products/{product}/packages", of((*Server).getPackages)),
		post("/products/{product}/packages", of((*Server).postPackage)),
		get("/products/{product}/packages/{id}", of((*Server).getPackage)),
		put("/products/{product}/packages/{id}", of(item1("packages", (*Server).putPackage))),
		del("/products/{product}/packages/{id}", of(item1("packages", (*Server).deleteItem))),

		post("/products/{product}/listings/createWithInstanceID(instanceID={instance})", of((*Server).postListing)),
		get("/products/{product}/listings/{id}", of(item1("listings", (*Server).getItem))),
		put("/products/{product}/listings/{id}", of(item1("listings", (*Server).putListing))),
		del("/products/{product}/listings/{id}", of(item1("listings", (*Server).deleteItem))),

		get("/products/{product}/packageconfigurations/{id}", of((*Server).getConfiguration)),
		put("/products/{product}/packageconfigurations/{id}", of(item1("packageconfigurations", (*Server).putConfiguration))),
		get("/products/{product}/featureavailabilities/{id}", of(item1("featureavailabilities", (*Server).getFeature))),
		put("/products/{product}/featureavailabilities/{id}", of(item1("featureavailabilities", (*Server).putFeature))),

		get("/products/{product}/supplementalContents/{instance}", of(draft1("supplementalcontents", (*Server).getSupplemental))),
		put("/products/{product}/supplementalContents/{instance}", of(draft1("supplementalcontents", (*Server).putSupplemental))),
		post("/products/{product}/supplementalContents/{instance}/commit", of(draft1("supplementalcontents", (*Server).getSupplemental))),
		get("/products/{product}/cosellListing/{instance}", of(draft1("coselllisting", (*Server).getItem))),
		put("/products/{product}/cosellListing/{instance}", of(draft1("coselllisting", (*Server).putItem))),
		get("/products/{product}/cosellAssets", of((*Server).getCosellAssets)),
		post("/products/{product}/cosellAssets", of((*Server).postCosellAsset)),
		get("/products/{product}/cosellAssets/{id}", of(item1("cosellassets", (*Server).getFile))),
		put("/products/{product}/cosellAssets/{id}", of(item1("cosellassets", (*Server).putFile))),
		del("/products/{product}/cosellAssets/{id}", of(item1("cosellassets", (*Server).deleteItem))),

		get("/products/{product}/submissions", of((*Server).getSubmissions)),
		post("/products/{product}/submissions", of((*Server).postSubmission)),
		get("/products/{product}/submissions/{id}", of(submission1((*Server).getSubmission))),
		del("/products/{product}/submissions/{id}", of(submission1((*Server).deleteSubmission))),
		post("/products/{product}/submissions/{id}/promote", of(submission1((*Server).promote))),
		get("/products/{product}/submissions/{id}/validations", of(submission1((*Server).getValidations))),
		get("/products/{product}/submissions/{id}/reports", of(submission1((*Server).getReports))),
		get("/products/{product}/submissions/{id}/workflowdetails", of(submission1((*Server).getWorkflow))),
	}
	for _, name := range []string{"productavailabilities", "properties"} {
		path := "/products/{product}/" + name
		list = append(list,
			get(path, of(collection(name, (*Server).getItems))),
			post(path, of(collection(name, (*Server).postItem))),
			get(path+"/{id}", of(item1(name, (*Server).getItem))),
			put(path+"/{id}", of(item1(name, (*Server).putItem))),
		)
	}
	for _, name := range []string{"images", "videos", "assets"} {
		path := "/products/{product}/listings/{listing}/" + name
		list = append(list,
			get(path, of(collection(name, (*Server).getMedia))),
			post(path, of(collection(name, (*Server).postMedia))),
			get(path+"/{id}", of(item1(name, (*Server).getFile))),
			put(path+"/{id}", of(item1(name, (*Server).putFile))),
			del(path+"/{id}", of(item1(name, (*Server).deleteItem))),
		)
	}
	for _, name := range []string{
		"productAvailabilities", "featureAvailabilities", "properties", "listings", "packageConfigurations", "supplementalcontents", "cosellAssets", "cosellListing",
	} {
		list = append(list, get("/products/{product}/"+name+"/getByInstanceID(instanceID={instance})", of(collection(strings.ToLower(name), (*Server).getByInstance))))
	}
	for i := range list {
		list[i].segments = strings.Split(strings.Trim(list[i].path, "/"), "/")
	}
	return list
}

func get(path string, serve handler) route {
	return route{method: http.MethodGet, path: path, serve: serve}
}
func post(path string, serve handler) route {
	return route{method: http.MethodPost, path: path, serve: serve}
}
func put(path string, serve handler) route {
	return route{method: http.MethodPut, path: path, serve: serve}
}
func del(path string, serve handler) route {
	return route{method: http.MethodDelete, path: path, serve: serve}
}

// of finds the product of a path.
func of(serve func(*Server, *exchange, *product) reply) handler {
	return func(s *Server, x *exchange) reply {
		p := s.product(x.arg("product"))
		if p == nil {
			return x.missing()
		}
		return serve(s, x, p)
	}
}

// collection tells a handler which collection it is for.
func collection(name string, serve func(*Server, *exchange, *product, string) reply) func(*Server, *exchange, *product) reply {
	return func(s *Server, x *exchange, p *product) reply { return serve(s, x, p, name) }
}

// item1 finds the item of a path.
func item1(name string, serve func(*Server, *exchange, *product, *item) reply) func(*Server, *exchange, *product) reply {
	return func(s *Server, x *exchange, p *product) reply {
		i := p.find(name, x.arg("id"), x.now)
		if i == nil || x.arg("listing") != "" && !strings.EqualFold(i.Parent, x.arg("listing")) {
			return x.missing()
		}
		return serve(s, x, p, i)
	}
}

// draft1 finds the only item of a draft, where paths hold the draft's instance id.
func draft1(name string, serve func(*Server, *exchange, *product, *item) reply) func(*Server, *exchange, *product) reply {
	return func(s *Server, x *exchange, p *product) reply {
		list := p.drafts(name, x.arg("instance"), x.now)
		if len(list) == 0 {
			return x.missing()
		}
		return serve(s, x, p, list[0])
	}
}

// submission1 finds the submission of a path.
func submission1(serve func(*Server, *exchange, *product, *submission) reply) func(*Server, *exchange, *product) reply {
	return func(s *Server, x *exchange, p *product) reply {
		for _, sub := range p.Submissions {
			if sub.ID == x.arg("id") {
				return serve(s, x, p, sub)
			}
		}
		return x.missing()
	}
}

// route finds the operation for a request.
func (s *Server) route(x *exchange) (handler, *reply) {
	path := x.r.URL.EscapedPath()
	if !Serves(path) {
		r := x.refuse(failure{status: http.StatusNotFound, shape: kit.ShapeGateway, message: "Resource not found"})
		return nil, &r
	}
	x.path = strings.Trim(path[len(Prefix):], "/")
	segments := strings.Split(x.path, "/")
	for i, text := range segments {
		text, err := url.PathUnescape(text)
		if err != nil {
			text = "" // matches nothing
		}
		segments[i] = text
	}
	var allowed []string
	for _, route := range s.routes {
		args, ok := route.match(segments)
		if ok && route.method == x.r.Method {
			x.args = args
			return route.serve, nil
		}
		if ok {
			allowed = append(allowed, route.method)
		}
	}
	if len(allowed) > 0 {
		r := x.refuse(failure{status: http.StatusMethodNotAllowed, shape: kit.ShapeGateway, message: "The method is not allowed for this path"}).
			with("Allow", strings.Join(allowed, ", "))
		return nil, &r
	}
	r := x.refuse(failure{status: http.StatusNotFound, shape: kit.ShapeGateway, message: "Resource not found"})
	return nil, &r
}

// match compares a path with the route's, without regard to case.
func (r *route) match(path []string) (map[string]string, bool) {
	if len(path) != len(r.segments) {
		return nil, false
	}
	args := make(map[string]string, 3)
	for i, want := range r.segments {
		got := path[i]
		before, name, variable := strings.Cut(want, "{")
		if !variable {
			if !strings.EqualFold(want, got) {
				return nil, false
			}
			continue
		}
		name, after, _ := strings.Cut(name, "}")
		if len(got) <= len(before)+len(after) || !strings.EqualFold(got[:len(before)], before) || got[len(got)-len(after):] != after {
			return nil, false
		}
		value := got[len(before) : len(got)-len(after)]
		if strings.ContainsAny(value, "()") || strings.TrimSpace(value) == "" {
			return nil, false
		}
		args[name] = value
	}
	return args, true
}
