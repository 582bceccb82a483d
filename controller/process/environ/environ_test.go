package environ_test

import (
	"slices"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/process/environ"
)

func TestLookup(t *testing.T) {
	env := []string{"A=1", "AB=2", "EMPTY=", "TWICE=1", "TWICE=2", "EQUALS=a=b", "broken"}
	for name, want := range map[string]struct {
		value string
		found bool
	}{
		"A": {"1", true}, "AB": {"2", true}, "EMPTY": {"", true}, "TWICE": {"2", true}, "EQUALS": {"a=b", true},
		"B": {"", false}, "broken": {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			value, found := environ.Lookup(env, name)
			g.Expect(value).To(Equal(want.value))
			g.Expect(found).To(Equal(want.found))
			g.Expect(environ.Get(env, name)).To(Equal(want.value))
		})
	}
}

func TestWithAndWithout(t *testing.T) {
	env := slices.Clip([]string{"A=1", "AB=2", "A=3", "C=4"})
	for name, tt := range map[string]struct{ got, want []string }{
		"another":          {environ.With(env, "D=5"), []string{"A=1", "AB=2", "A=3", "C=4", "D=5"}},
		"in place of two":  {environ.With(env, "A=5", "C="), []string{"AB=2", "A=5", "C="}},
		"of an empty list": {environ.With(nil, "A=5"), []string{"A=5"}},
		"less":             {environ.Without(env, "A", "D"), []string{"AB=2", "C=4"}},
		"less nothing":     {environ.Without(env), []string{"A=1", "AB=2", "A=3", "C=4"}},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(tt.got).To(Equal(tt.want))
		})
	}
	g := NewWithT(t)
	environ.Without(env, "A")[0] = "changed"
	g.Expect(env).To(Equal([]string{"A=1", "AB=2", "A=3", "C=4"}), "the list that was given stays")
}
