package ingestion

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// PublishPlan is what a publication would do.
type PublishPlan struct {
	// Product is the product.
	Product *Resource[Product]
	// Plans are the plans whose drafts are submitted.
	Plans []*Resource[Variant]
	// Latest is the newest submission that there is; its ID is empty if there is
	// none.
	Latest Submission
	// Request is the submission that would be asked for; empty when a submission
	// that exists is gone on with.
	Request SubmissionRequest
	// Steps describes, in their order, what would be done, for people.
	Steps []string
}

// planModules are the modules of a whole offer, without the reseller configuration,
// which plans do not have.
func planModules() []Module {
	return []Module{ModuleAvailability, ModuleListing, ModulePackage, ModuleProperty}
}

// build gathers the drafts as they are now.
func (p *publishing) build(ctx context.Context) (PublishPlan, error) {
	var plan PublishPlan
	var err error
	if plan.Product, err = p.scope.product(ctx, p.productID, p.opts); err != nil {
		return plan, err
	}
	if plan.Plans, err = p.chosen(ctx); err != nil {
		return plan, err
	}
	r := p.state.request
	whole := len(r.Modules) == 0
	modules := r.Modules
	if whole {
		modules = append(planModules(), ModuleResellerConfiguration)
	}
	g := gathering{publishing: p, plan: &plan, whole: whole}
	if err := g.gather(ctx, modules); err != nil {
		return plan, err
	}
	plan.Request = SubmissionRequest{Targets: ToPreview(), Resources: g.own, PublishOption: r.Option}
	for _, v := range plan.Plans {
		if drafts := g.drafts[strings.ToLower(v.ID)]; len(drafts) > 0 {
			plan.Request.VariantResources = append(plan.Request.VariantResources, VariantResource{VariantID: v.ID, Resources: drafts})
		}
	}
	return plan, plan.Request.check()
}

func (p ProductScope) product(ctx context.Context, id string, opts []partnercenter.CallOption) (*Resource[Product], error) {
	return p.e.client.Products().Get(ctx, id, opts...)
}

// chosen returns the plans that the request is for. Test drives are none.
func (p *publishing) chosen(ctx context.Context) ([]*Resource[Variant], error) {
	names := p.state.request.Plans
	if p.state.request.WithoutPlans {
		return nil, nil
	}
	var all, chosen []*Resource[Variant]
	for v, err := range p.scope.Variants().All(ctx, p.opts...) {
		if err != nil {
			return nil, err
		}
		if !v.Data.testDrive(v.ID) {
			all = append(all, v)
		}
	}
	if len(names) == 0 {
		return all, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(all, func(v *Resource[Variant]) bool { return equalAny(name, v.Data.ExternalID, v.ID) })
		if i < 0 {
			known := make([]string, len(all))
			for i, v := range all {
				known[i] = v.Data.ExternalID
			}
			return nil, fmt.Errorf("ingestion: publish: the product has no plan %q; its plans are %q: %w", name, known, partnercenter.ErrNotFound)
		}
		if !slices.Contains(chosen, all[i]) {
			chosen = append(chosen, all[i])
		}
	}
	return chosen, nil
}

// testDrive reports whether a variant is no plan but a test drive.
func (v Variant) testDrive(id string) bool {
	return equalAny(string(v.Type), string(TestDriveVariant)) || equalAny(id, TestDriveID)
}

// gathering collects the drafts of some modules.
type gathering struct {
	*publishing

	plan   *PublishPlan
	whole  bool
	own    []TypeValue
	drafts map[string][]TypeValue // by the plan's id in lower case
}

// Drafts of a new plan appear some seconds after the plan; clients of the service
// are known to look five times.
const (
	draftLooks    = 5
	draftInterval = 3 * time.Second
)

// gather looks until every plan has the drafts that it must have.
func (g *gathering) gather(ctx context.Context, modules []Module) error {
	for look := 1; ; look++ {
		g.own, g.drafts = nil, map[string][]TypeValue{}
		for _, module := range modules {
			if err := g.collect(ctx, module); err != nil {
				return err
			}
		}
		plan, module, missing := g.missing(modules)
		if !missing {
			return nil
		}
		if look == draftLooks {
			return fmt.Errorf("ingestion: publish: plan %q has no draft of module %s; if it is new, try again in a minute: %w", plan, module, partnercenter.ErrNotFound)
		}
		if err := pause(ctx, draftInterval); err != nil {
			return err
		}
	}
}

// collect sorts the drafts of one module. The first one of an owner counts, as it
// does for [Branches.Draft].
func (g *gathering) collect(ctx context.Context, module Module) error {
	if equalAny(string(module), string(ModuleResellerConfiguration)) {
		return g.reseller(ctx)
	}
	taken := map[string]bool{}
	for b, err := range g.scope.Branches().All(ctx, module, g.opts...) {
		if err != nil {
			return err
		}
		owner := strings.ToLower(b.VariantID)
		if taken[owner] || b.CurrentDraftInstanceID == "" || equalAny(string(b.Type), string(BranchPrivate)) {
			continue
		}
		taken[owner] = true
		draft := TypeValue{Type: string(module), Value: b.CurrentDraftInstanceID}
		if owner == "" {
			g.own = append(g.own, draft)
		} else {
			g.drafts[owner] = append(g.drafts[owner], draft)
		}
	}
	if !g.whole && !taken[""] && !g.someone(taken) {
		return fmt.Errorf("ingestion: publish: nothing that is to be published has a draft of module %s: %w", module, partnercenter.ErrNotFound)
	}
	return nil
}

// someone reports whether one of the chosen plans is among the owners.
func (g *gathering) someone(owners map[string]bool) bool {
	return slices.ContainsFunc(g.plan.Plans, func(v *Resource[Variant]) bool { return owners[strings.ToLower(v.ID)] })
}

// reseller finds the reseller configuration. Not all products have one, but Azure
// applications fail without, and there its name is known too.
func (g *gathering) reseller(ctx context.Context) error {
	draft := TypeValue{Type: string(ModuleResellerConfiguration)}
	for b, err := range g.scope.Branches().All(ctx, ModuleResellerConfiguration, g.opts...) {
		if err != nil && !refusal(err) {
			return err
		}
		if err == nil && b.CurrentDraftInstanceID != "" {
			draft.Value = b.CurrentDraftInstanceID
			break
		}
	}
	if draft.Value == "" && (!g.whole || g.azureApplication()) {
		draft.Value = g.productID + "-ResellerInstance"
	}
	if draft.Value != "" {
		g.own = append(g.own, draft)
	}
	return nil
}

func (g *gathering) azureApplication() bool {
	return equalAny(string(g.plan.Product.Data.Type), string(AzureApplication))
}

// missing finds a plan without the drafts that it must have: all that there are of
// Azure applications, any at all of a whole offer of another kind.
func (g *gathering) missing(modules []Module) (plan string, module Module, missing bool) {
	for _, v := range g.plan.Plans {
		drafts := g.drafts[strings.ToLower(v.ID)]
		for _, module := range modules {
			if equalAny(string(module), string(ModuleProperty), string(ModuleResellerConfiguration)) || !slices.Contains(planModules(), module) {
				continue
			}
			has := slices.ContainsFunc(drafts, func(d TypeValue) bool { return d.Type == string(module) })
			if !has && (g.azureApplication() || g.whole && len(drafts) == 0) {
				return v.Data.ExternalID, module, true
			}
		}
	}
	return "", "", false
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// plan works out what the next polls would do.
func (p *publishing) plan(ctx context.Context) (PublishPlan, error) {
	newest, _, err := p.latest(ctx)
	if err != nil {
		return PublishPlan{}, err
	}
	var plan PublishPlan
	if p.state.submission != "" {
		if newest, err = p.scope.Submissions().Get(ctx, p.state.submission, p.opts...); err != nil {
			return PublishPlan{}, err
		}
		if plan.Product, err = p.scope.product(ctx, p.productID, p.opts); err != nil {
			return PublishPlan{}, err
		}
	} else if plan, err = p.build(ctx); err != nil {
		return PublishPlan{}, err
	}
	plan.Latest = scrubbed(newest)
	plan.Steps = p.steps(plan)
	return plan, nil
}

// steps describes a plan.
func (p *publishing) steps(plan PublishPlan) []string {
	var steps []string
	add := func(format string, args ...any) { steps = append(steps, fmt.Sprintf(format, args...)) }
	if p.state.submission != "" {
		add("go on with submission %s (%s)", p.state.submission, stateOf(plan.Latest))
	} else {
		if plan.Latest.ID != "" && plan.Latest.Status().Stage.Pending() {
			add("submission %s is in flight (%s): %s", plan.Latest.ID, stateOf(plan.Latest), p.state.request.InFlight)
		}
		for _, r := range plan.Request.Resources {
			add("submit %s, draft %s", r.Type, r.Value)
		}
		names := map[string]string{}
		for _, v := range plan.Plans {
			names[v.ID] = v.Data.ExternalID
		}
		for _, v := range plan.Request.VariantResources {
			for _, r := range v.Resources {
				add("submit %s of plan %s, draft %s", r.Type, names[v.VariantID], r.Value)
			}
		}
	}
	add("wait for the preview")
	if p.state.request.Goal == GoalLive {
		add("promote the preview to live")
		add("wait until it is live")
	}
	return steps
}
