package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/git"
)

// addPolicyFlags adds what limits every order, whatever its manifest says.
func (o *controllerOptions) addPolicyFlags(f *pflag.FlagSet) {
	c := &o.config
	f.BoolVar(&c.AllowFileRepositories, "allow-file-repositories", true, "Allow repositories on this machine, by file URL or absolute path")
	f.Var(list[string]{&c.AllowHTTPHosts, checkHost}, "allow-http-hosts", "Hosts whose repositories may be reached without TLS")
	f.Var(list[string]{&c.AllowRepositories, v1alpha1.CheckRepositoryGlob}, "allow-repositories",
		"Globs of the only repositories that orders may name, such as https://github.com/acme/* (default: all)")
	f.Var(list[v1alpha1.AgentType]{&c.AllowAgents, checkAgentType}, "allow-agents", "The only types of agents that may run: claude, command (default: all)")
	f.Var(dollars{&c.DefaultBudgetUSD}, "default-budget-usd", "What a run may cost in US dollars where its order names no budget, 0 for no limit")
	f.Var(dollars{&c.MaxBudgetUSD}, "max-budget-usd", "What any run may cost in US dollars, 0 for no limit")
	f.BoolVar(&c.AllowProtectedPaths, "allow-protected-paths", false, "Push work that touches .github, .gitlab-ci.yml, .gitmodules, CODEOWNERS or a protected path")
	f.Var(list[string]{&c.ProtectedPaths, git.CheckGlob}, "protected-paths", "Globs of further paths that work must not touch, such as deploy/**")
}

// checkAgentType refuses what is no type of agent.
func checkAgentType(word string) error {
	switch v1alpha1.AgentType(word) {
	case v1alpha1.AgentClaude, v1alpha1.AgentCommand:
		return nil
	}
	return fmt.Errorf("%q is no type of agent; there are %s and %s", word, v1alpha1.AgentClaude, v1alpha1.AgentCommand)
}

// policyOf is a policy with what the variables of this environment say otherwise, as the controller reads them.
func policyOf(p v1alpha1.Policy, lookup func(string) (string, bool)) (v1alpha1.Policy, error) {
	o, f := &controllerOptions{}, pflag.NewFlagSet("policy", pflag.ContinueOnError)
	o.addPolicyFlags(f)
	if err := bindEnvironment(f, lookup, inherited); err != nil {
		return p, err
	}
	for name, take := range map[string]func(){
		"allow-file-repositories": func() { p.AllowFileRepositories = o.config.AllowFileRepositories },
		"allow-http-hosts":        func() { p.AllowHTTPHosts = o.config.AllowHTTPHosts },
		"allow-repositories":      func() { p.AllowRepositories = o.config.AllowRepositories },
		"allow-agents":            func() { p.AllowAgents = o.config.AllowAgents },
		"max-budget-usd":          func() { p.MaxBudgetUSD = o.config.MaxBudgetUSD },
	} {
		if f.Changed(name) {
			take()
		}
	}
	return p, nil
}
