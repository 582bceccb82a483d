package hack_test

import (
	"path"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// level says how high a package stands: it imports only packages of lower levels, and its own sub-packages.
//
//	cmd -> controller -> {workorder, server} -> phase -> {agent, forge, git} -> process; below all store and api
var level = map[string]int{
	"api/v1alpha1":         0,
	"controller/crash":     1,
	"controller/failure":   1,
	"controller/removal":   1,
	"controller/trust":     1,
	"controller/store":     2,
	"controller/view":      3,
	"controller/volume":    3,
	"controller/process":   3,
	"controller/agent":     4,
	"controller/forge":     4,
	"controller/git":       4,
	"controller/phase":     5,
	"controller/retention": 6,
	"controller/workorder": 6,
	"controller/server":    6,
	"controller":           7,
	"examples":             7,
	"cmd/awo":              8,
}

// place returns the package of the table that p is, or is a part of.
func place(p string) (string, bool) {
	for ; p != "." && p != ""; p = path.Dir(p) {
		// What lies directly in controller/ is not a part of it but a package of its own.
		if _, known := level[p]; known {
			return p, true
		}
		if path.Dir(p) == "controller" {
			return "", false
		}
	}
	return "", false
}

// wrongImport says why the package from must not import the package to, or nothing.
func wrongImport(from, to string) string {
	a, known := place(from)
	if !known {
		return "package " + from + " has no place in the table of hack/layout_test.go"
	}
	b, known := place(to)
	switch {
	case !known:
		return from + " imports " + to + ", which is not part of the product"
	case a != b && level[b] >= level[a]:
		return from + " imports " + to + ": imports point the other way"
	default:
		return ""
	}
}

func TestWrongImport(t *testing.T) {
	for name, tt := range map[string]struct {
		from, to string
		wrong    bool
	}{
		"down":              {"controller/phase", "controller/git", false},
		"down two":          {"controller/server", "controller/store/manifest", false},
		"up":                {"controller/git", "controller/phase", true},
		"to the top":        {"controller/store", "controller", true},
		"beside":            {"controller/git", "controller/forge", true},
		"own part":          {"controller/store", "controller/store/manifest", false},
		"a part upwards":    {"controller/process/supervisor", "controller/agent", true},
		"unknown":           {"controller/gizmo", "api/v1alpha1", true},
		"tools of the tree": {"controller/git", "hack/bench", true},
	} {
		t.Run(name, func(t *testing.T) {
			if why := wrongImport(tt.from, tt.to); (why != "") != tt.wrong {
				t.Errorf("%s -> %s: %q", tt.from, tt.to, why)
			}
		})
	}
}

func TestImportsPointOneWay(t *testing.T) {
	for _, p := range packages(t) {
		if strings.HasPrefix(p.short(), "hack") {
			continue
		}
		for _, imported := range p.Imports {
			if to, ours := strings.CutPrefix(imported, module+"/"); ours {
				if wrong := wrongImport(p.short(), to); wrong != "" {
					t.Error(wrong)
				}
			}
		}
	}
}

// The supervisor stays in memory beside each running order, and the confined stage stands before each start of an
// agent, so they are kept from everything that they do not need.
func TestStagesImportLittle(t *testing.T) {
	for _, stage := range []string{module + "/controller/process/supervisor", module + "/controller/process/confined"} {
		for d := range strings.FieldsSeq(string(command(t, "go", "list", "-deps", stage))) {
			outside := strings.Contains(strings.Split(d, "/")[0], ".")
			ours := strings.HasPrefix(d, module+"/controller/process/")
			if outside && !ours || slices.Contains([]string{"net/http", "net", "fmt", "reflect", "unicode", "encoding/json"}, d) {
				t.Errorf("%s comes to import %s", stage, d)
			}
		}
	}
}

func TestPackageNamesSayWhatIsInside(t *testing.T) {
	for _, p := range packages(t) {
		if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "misc", "shared"}, p.Name) {
			t.Errorf("package %s: name it after what it does", p.ImportPath)
		}
	}
}

// importers returns the packages that import the package at path or one below it, of all or of test files.
func importers(t *testing.T, path string, tests bool) []string {
	t.Helper()
	var found []string
	for _, p := range packages(t) {
		imports := p.Imports
		if tests {
			imports = slices.Concat(p.TestImports, p.XTestImports)
		}
		if slices.ContainsFunc(imports, func(i string) bool { return i == path || strings.HasPrefix(i, path+"/") }) {
			found = append(found, p.short())
		}
	}
	return found
}

func TestLibrariesAreUsedWhereTheyBelong(t *testing.T) {
	g := NewWithT(t)
	g.Expect(importers(t, "github.com/fsnotify/fsnotify", false)).To(ConsistOf("controller/store"), "who watches files")
	g.Expect(importers(t, "github.com/landlock-lsm/go-landlock", false)).To(ConsistOf("controller/process/sandbox"), "who knows Landlock's rights")
	g.Expect(importers(t, "sigs.k8s.io/yaml", false)).To(ContainElement("controller/store/manifest"), "who decodes manifests")
	g.Expect(importers(t, "github.com/go-logr/logr", false)).To(ContainElement("controller/workorder"), "who logs")
	g.Expect(importers(t, "github.com/go-logr/zapr", false)).To(ConsistOf("cmd/awo"), "who picks the sink of the log")
	g.Expect(importers(t, "github.com/onsi/ginkgo/v2", true)).To(ContainElement(HavePrefix("controller")), "who describes behaviour")
	g.Expect(importers(t, "sigs.k8s.io/controller-runtime", false)).NotTo(BeEmpty(), "whose queue and workers are used")
}
