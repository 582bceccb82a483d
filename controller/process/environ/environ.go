// Package environ reads and changes environments, lists of NAME=value. What it returns is a list of its own: an
// environment is often shared.
package environ

import (
	"slices"
	"strings"
)

// Get returns a variable, empty when there is none. Of two with one name the last counts.
func Get(env []string, name string) string {
	value, _ := Lookup(env, name)
	return value
}

// Lookup also tells a variable that is empty from one that is not there.
func Lookup(env []string, name string) (value string, found bool) {
	for _, entry := range slices.Backward(env) {
		if value, found = strings.CutPrefix(entry, name+"="); found {
			return value, true
		}
	}
	return "", false
}

// With returns the environment with entries in place of those that have the same names.
func With(env []string, entries ...string) []string {
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		names = append(names, nameOf(entry))
	}
	return append(Without(env, names...), entries...)
}

// Without returns the environment less some variables.
func Without(env []string, names ...string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(entry string) bool { return slices.Contains(names, nameOf(entry)) })
}

func nameOf(entry string) string {
	name, _, _ := strings.Cut(entry, "=")
	return name
}
