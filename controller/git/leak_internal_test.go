package git

import (
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// raw is one difference as git diff-tree --raw -z prints it.
func raw(oldMode, newMode, from, to, path string) []string {
	return []string{":" + oldMode + " " + newMode + " " + from + " " + to + " M", path}
}

func TestContents(t *testing.T) {
	const file, nothing = "100644", "000000"
	zero, a, b, c := strings.Repeat("0", 40), strings.Repeat("a", 40), strings.Repeat("b", 40), strings.Repeat("c", 40)
	for name, tt := range map[string]struct {
		list  []string
		want  []object
		names []string
	}{
		"nothing":                       {nil, nil, nil},
		"a commit without a difference": {[]string{"one\n"}, nil, nil},
		"new, changed and gone": {
			slices.Concat([]string{"one\n"}, raw(nothing, file, zero, a, ":new"), raw(file, file, b, c, "changed"), raw(file, nothing, zero, zero, "gone")),
			[]object{{a, Leak{Commit: "one", Path: ":new"}, ""}, {c, Leak{Commit: "one", Path: "changed"}, b}},
			[]string{":new"},
		},
		"moved":     {slices.Concat([]string{"one\n"}, raw(nothing, file, zero, a, "to"), raw(file, nothing, a, zero, "from")), []object{}, []string{"to"}},
		"submodule": {slices.Concat([]string{"one\n"}, raw(nothing, gitlink, zero, a, "module")), nil, []string{"module"}},
		"moved by the next commit": {
			slices.Concat([]string{"one\n"}, raw(nothing, file, zero, a, "x"), []string{"two\n"}, raw(file, nothing, a, zero, "x"), raw(nothing, file, zero, a, "y")),
			[]object{{a, Leak{Commit: "one", Path: "x"}, ""}},
			[]string{"x", "y"},
		},
		"a merge that takes from its second parent": {
			slices.Concat([]string{"one\n"}, raw(nothing, file, zero, a, "x"), []string{"one\n"}, raw(file, file, a, b, "y")),
			[]object{{b, Leak{Commit: "one", Path: "y"}, a}},
			[]string{"x"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			got, names, err := contents(tt.list)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(got).To(Equal(tt.want))
			var paths []string
			for _, each := range names {
				paths = append(paths, each.Path)
			}
			g.Expect(paths).To(Equal(tt.names))
		})
	}
	for name, list := range map[string][]string{"a field short": {"one", ":" + file + " x", "path"}, "no path": {"one", raw(file, file, a, b, "")[0]}} {
		_, _, err := contents(list)
		NewWithT(t).Expect(err).To(MatchError(ContainSubstring("a difference and its path were expected")), name)
	}
}
