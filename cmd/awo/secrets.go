package main

import (
	"net/url"
	"slices"
	"strings"

	"github.com/agent-work-orders/awo/controller/process"
)

// secretMarks are what the name of a variable with a secret holds.
var secretMarks = []string{"KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL"}

// learnSecrets makes the controller's own credentials known, whichever of them is used.
func learnSecrets(r *process.Redactor, lookup func(string) (string, bool)) {
	for _, name := range slices.Concat(secretNames, []string{variableAuthToken}) {
		value, _ := lookup(name)
		r.Learn(value)
		if file, _ := lookup(name + "_FILE"); file != "" {
			// One that cannot be read is told where it is used.
			secret, _ := readSecret(name+"_FILE", file)
			r.Learn(secret)
		}
	}
}

// learnPassed makes known what is secret in the variables that agents get: those that always pass, and those that
// agentEnv names.
func learnPassed(r *process.Redactor, env, agentEnv []string) {
	for _, entry := range process.Environment(env, slices.Concat(process.AgentAllow, agentEnv)...) {
		name, value, _ := strings.Cut(entry, "=")
		for _, secret := range secretsIn(name, value) {
			r.Learn(secret)
		}
	}
}

// secretsIn lists what is secret in a variable.
func secretsIn(name, value string) []string {
	switch {
	case strings.HasSuffix(strings.ToUpper(name), "_PROXY"):
		return proxyPasswords(value)
	case name == "ANTHROPIC_CUSTOM_HEADERS":
		return headerValues(value)
	case namesSecret(name):
		return []string{value}
	}
	return nil
}

// proxyPasswords is the password in the address of a proxy, which may do without a scheme: as it stands there, and as it
// is meant.
func proxyPasswords(address string) []string {
	if _, rest, found := strings.Cut(address, "://"); found {
		address = rest
	}
	authority, _, _ := strings.Cut(address, "/")
	end := strings.LastIndexByte(authority, '@')
	if end < 0 {
		return nil
	}
	_, password, _ := strings.Cut(authority[:end], ":")
	if meant, err := url.PathUnescape(password); err == nil && meant != password {
		return []string{password, meant}
	}
	return []string{password}
}

// headerValues are the values of headers, one a line, and what stands behind the scheme of an authorization.
func headerValues(headers string) []string {
	var values []string
	for line := range strings.SplitSeq(headers, "\n") {
		_, value, found := strings.Cut(line, ":")
		if !found {
			continue
		}
		value = strings.TrimSpace(value)
		values = append(values, value)
		if _, credential, hasScheme := strings.Cut(value, " "); hasScheme {
			values = append(values, credential)
		}
	}
	return values
}

// namesSecret tells by the name of a variable whether it holds a secret. One that says where a secret lies holds none, nor
// one that names a setting of git.
func namesSecret(name string) bool {
	name = strings.ToUpper(name)
	if strings.HasPrefix(name, "GIT_CONFIG_KEY_") {
		return false
	}
	for _, place := range []string{"_FILE", "_PATH", "_DIR"} {
		if strings.HasSuffix(name, place) {
			return false
		}
	}
	return slices.ContainsFunc(secretMarks, func(mark string) bool { return strings.Contains(name, mark) })
}
