package v1alpha1

import (
	"slices"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func TestPolicyRefuses(t *testing.T) {
	five := intstr.FromString("5.5")
	acme := WorkOrderSpec{Repository: Repository{URL: "https://GitHub.com/Acme/App.git"}, Request: "x"}
	costly := acme
	costly.Agent.MaxBudgetUSD = &five
	local := WorkOrderSpec{Repository: Repository{URL: "/srv/git/app.git"}, Request: "x", Agent: Agent{Type: AgentCommand, Command: []string{"x"}}}
	for name, c := range map[string]struct {
		policy Policy
		spec   WorkOrderSpec
		fields []string
	}{
		"no limits":               {Policy{}, costly, nil},
		"repository":              {Policy{AllowRepositories: []string{"https://github.com/acme/*"}}, acme, nil},
		"repository with .git":    {Policy{AllowRepositories: []string{"https://github.com/acme/app.git"}}, acme, nil},
		"repository, any depth":   {Policy{AllowRepositories: []string{"https://github.com/**"}}, acme, nil},
		"repository, too deep":    {Policy{AllowRepositories: []string{"https://github.com/*"}}, acme, []string{"spec.repository.url"}},
		"other repository":        {Policy{AllowRepositories: []string{"https://github.com/acme/app2", "https://*/acme"}}, acme, []string{"spec.repository.url"}},
		"prefix of another host":  {Policy{AllowRepositories: []string{"https://github.co/**"}}, acme, []string{"spec.repository.url"}},
		"file":                    {Policy{AllowRepositories: []string{"file:///srv/git/**"}}, local, nil},
		"file, case counts":       {Policy{AllowRepositories: []string{"file:///SRV/git/**"}}, local, []string{"spec.repository.url"}},
		"agent":                   {Policy{AllowAgents: []AgentType{AgentClaude}}, acme, nil},
		"other agent":             {Policy{AllowAgents: []AgentType{AgentClaude}}, local, []string{"spec.agent.type"}},
		"the default agent, too":  {Policy{AllowAgents: []AgentType{AgentCommand}}, acme, []string{"spec.agent.type"}},
		"budget":                  {Policy{MaxBudgetUSD: 5.5}, costly, nil},
		"higher budget":           {Policy{MaxBudgetUSD: 5}, costly, []string{"spec.agent.maxBudgetUSD"}},
		"no budget takes the top": {Policy{MaxBudgetUSD: 5}, acme, nil},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			c.policy.AllowFileRepositories = true
			o := &WorkOrder{Spec: c.spec}
			o.Name = "a"
			var fields []string
			for _, e := range Validate(o, c.policy) {
				fields = append(fields, e.Field)
			}
			g.Expect(fields).To(Equal(c.fields))
			forbidden := []string{}
			for _, e := range c.policy.Forbids(&c.spec) {
				forbidden = append(forbidden, e.Field)
			}
			// The budget of what was valid once is cut.
			g.Expect(forbidden).To(Equal(slices.DeleteFunc(append([]string{}, fields...), func(f string) bool { return f == "spec.agent.maxBudgetUSD" })), "later")
		})
	}
}

func TestCheckRepositoryGlob(t *testing.T) {
	g := NewWithT(t)
	g.Expect(CheckRepositoryGlob("https://github.com/acme/*")).To(Succeed())
	g.Expect(CheckRepositoryGlob("https://github.com/[acme")).To(MatchError(ContainSubstring("no glob")))
	g.Expect(CheckRepositoryGlob("github.com/acme/*")).To(MatchError(ContainSubstring("must begin with")))
}
